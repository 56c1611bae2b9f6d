#pragma once

#include "cluster.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

/// What set-up must know about the node before it changes anything.
struct NodeFacts {
    bool is_root = false;
    bool has_qm = false;
    bool has_pct = false;
    bool has_nft = false;
    bool is_pmxcfs_up = false;
    bool is_quorate = false;
    bool has_systemd = false;    ///< It runs here.
    std::optional<int> version;  ///< Of Proxmox VE, the major one; absent: pveversion is not there, or unreadable.
    std::string name;            ///< The node's; empty while pmxcfs is down.
};

[[nodiscard]] NodeFacts read_node(const Cluster& cluster);

/// Why nothing can be set up, or taken down, here; each with what to do. Empty: it can.
[[nodiscard]] std::vector<std::string> objections(const NodeFacts& node);

/// "pve-manager/8.4.1/2a5fa54a8503f96d (running kernel: 6.8.12-9-pve)" -> 8
[[nodiscard]] std::optional<int> major_version(std::string_view pveversion);

/// This package's hookscript, the bytes of the program: beside our own executable, else where helpers are installed.
/// @throws std::runtime_error  it is not installed
/// @throws InputError          it cannot be read
[[nodiscard]] std::string packaged_hookscript();

}  // namespace fip::proxmox
