#pragma once

#include <filesystem>
#include <string>

namespace fip::proxmox {

/// This node's name, by the link `local`.
/// @param pve  /etc/pve
/// @throws GuestsUnavailable  pmxcfs is not there
[[nodiscard]] std::string local_node_of(const std::filesystem::path& pve);

/// Guest::origin of every guest of a cluster, for its nodes' listings speak for all of them: "<cluster's name, or a
/// single node's>/proxmox".
/// @param pve  /etc/pve
/// @throws GuestsUnavailable  pmxcfs is not there, or cannot be read
[[nodiscard]] std::string origin_of(const std::filesystem::path& pve);

}  // namespace fip::proxmox
