#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

namespace fip::proxmox {

/// A migration of this guest runs, or has ended at that time or later, by the lines of tasks/active or tasks/index:
/// "UPID:NODE:PID:PSTART:START:TYPE:ID:USER: [0|1] [END STATUS]", numbers in hex (PVE::Tools::upid_decode,
/// PVE::RESTEnvironment::active_workers).
[[nodiscard]] bool says_migrated(std::string_view tasks, int vmid, std::chrono::sys_seconds since);

/// By the node's own task log. `qm remote-migrate --delete` removes a config as a destruction does (PROXMOX.md 4.1).
/// @param since  when the config was last there: what ended before did not take it away
/// @throws InputError  it is there and cannot be read
[[nodiscard]] bool has_migrated(int vmid, std::chrono::sys_seconds since,
                                const std::filesystem::path& folder = "/var/log/pve/tasks");

/// A moment by both clocks: a task's time is in whole seconds, and its process's begin is of some boot.
struct Since {
    std::chrono::sys_seconds wall;
    std::chrono::milliseconds boot;
};

/// Since then we have asked so many times for the end of this VM (`qm stop`): somebody else did so, too, or for its
/// destruction. What failed does not count.
/// @throws InputError  the log is there and cannot be read
[[nodiscard]] bool has_other_end(int vmid, const Since& since, int ours,
                                 const std::filesystem::path& folder = "/var/log/pve/tasks");

}  // namespace fip::proxmox
