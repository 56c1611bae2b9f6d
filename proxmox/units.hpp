#pragma once

#include <string>

namespace fip::proxmox {

inline constexpr const char* watcher_unit = "failover-ip-proxmox.service";
inline constexpr const char* guard_unit = "failover-ip-guard.service";

// systemd, through systemctl.

[[nodiscard]] bool is_enabled(const std::string& unit);
[[nodiscard]] bool is_active(const std::string& unit);

/// Read all units again: one that was just installed is known then. @throws std::runtime_error  with systemctl's words
void reload_units();
/// At each boot from now on. @throws std::runtime_error
void enable(const std::string& unit);
/// One that runs is ended and begins anew. @throws std::runtime_error
void restart(const std::string& unit);
/// Now and at each boot; of one that is not known: no effect. @throws std::runtime_error
void stop_and_disable(const std::string& unit);

}  // namespace fip::proxmox
