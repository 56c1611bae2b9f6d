#pragma once

#include "install.hpp"

namespace fip::proxmox {

/// Take this node out: no announcement, no watcher, nothing of ours in the configs of its guests, and in the snippet's
/// place one that lets every start pass, because snapshots and backups still name it. Configuration, store and leases
/// stay. Every step can be repeated. Returns the exit code: 1 also where a guest could not be changed now.
/// @throws std::runtime_error  another set-up is at work
[[nodiscard]] int uninstall(const SetupOptions& options);

}  // namespace fip::proxmox
