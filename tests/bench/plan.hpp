#pragma once

#include "report.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace fip::bench {

/// What to run, and how long.
struct Plan {
    std::filesystem::path programs;  ///< Where failover-ip and the others lie.
    bool is_quick = false;           ///< Small sizes and few rounds: shows that it works, says little.

    [[nodiscard]] int rounds(int full) const { return is_quick ? full / 10 : full; }
    [[nodiscard]] std::string program(const std::string& name) const { return programs / name; }
};

/// Progress, on stderr.
void tell(std::string_view text);

/// The areas. Each adds its rows as it has them, and throws when it cannot go on.
void measure_hook(const Plan& plan, Report& report);
void measure_commands(const Plan& plan, Report& report);
void measure_define(const Plan& plan, Report& report);
void measure_swap(const Plan& plan, Report& report);
void measure_guard(const Plan& plan, Report& report);
void measure_daemon(const Plan& plan, Report& report);
void measure_proxmox(const Plan& plan, Report& report);

/// Parts of measure_proxmox().
void measure_pve_hook(const Plan& plan, Report& report);
void measure_pve_watcher(const Plan& plan, Report& report);
void measure_pve_create(const Plan& plan, Report& report);

}  // namespace fip::bench
