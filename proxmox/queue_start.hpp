#pragma once

#include <chrono>
#include <filesystem>

namespace fip::proxmox {

/// `program start VMID` after `pause`, in a process of its own that nobody waits for: a session of its own, without our
/// descriptors, for Proxmox reads a hookscript's output to its end. Where HA manages the guest, `start` only tells HA
/// to.
/// @return false: there is no process for it
[[nodiscard]] bool start_later(const std::filesystem::path& program, int vmid, std::chrono::milliseconds pause);

}  // namespace fip::proxmox
