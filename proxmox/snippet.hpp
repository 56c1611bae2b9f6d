#pragma once

#include "cluster.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fip::proxmox {

/// Where a node tells the cluster that it has the snippet: /etc/pve/failover-ip/NODE.
[[nodiscard]] std::filesystem::path announcement_of(const Cluster& cluster, const std::string& node);

[[nodiscard]] bool is_announced(const Cluster& cluster, const std::string& node);
/// @throws GuestsUnavailable  it cannot be written: no quorum
void announce(const Cluster& cluster, const std::string& node);

/// Nodes that have not announced the snippet: Proxmox refuses every start of a guest on a node that lacks its
/// hookscript (GuestHelpers.pm), so no guest gets it before there is none of them.
[[nodiscard]] std::vector<std::string> silent_nodes(const Cluster& cluster);

}  // namespace fip::proxmox
