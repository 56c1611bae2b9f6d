#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace fip::proxmox {

struct CommandResult {
    int exit_code = -1;    ///< 128 + signal when a signal ended it.
    bool is_late = false;  ///< It was killed at its limit.
    std::string out;       ///< What was kept, as it came, at most 64 KiB.
};

/// What is kept of what it prints.
enum class Keep {
    all,     ///< stdout and stderr.
    errors,  ///< stderr alone: on stdout `qm set` repeats the values, which may read as anything.
};

/// Runs one of Proxmox' own programs (`qm`, `pct`), found in PATH, to its end, with our environment but for the locale,
/// which is UTF-8. It outlives us when we are killed: what it has begun with a config it should finish.
/// @param meanwhile  called some times a second until it ends
/// @throws std::system_error  it cannot be started
[[nodiscard]] CommandResult run_command(
    const std::vector<std::string>& arguments, std::chrono::milliseconds limit, Keep keep = Keep::all,
    const std::function<void()>& meanwhile = [] {});

}  // namespace fip::proxmox
