#pragma once

#include "cluster.hpp"

#include <filesystem>
#include <string>

namespace fip::proxmox {

/// Proxmox refuses every start of a guest whose hookscript is not there or not executable (GuestHelpers.pm).
/// @param file  snippet_place()
[[nodiscard]] bool has_snippet(const std::filesystem::path& file);

/// Every node says in /etc/pve/failover-ip/NODE that it has the snippet: a guest that has it as its hookscript may
/// start on each of them.
[[nodiscard]] bool is_announced_by_all(const Cluster& cluster);

}  // namespace fip::proxmox
