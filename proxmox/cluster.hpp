#pragma once

#include "guest_config.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace fip::proxmox {

/// What changes whenever a guest's config does, and at each restart of pmxcfs (.version).
struct ClusterStamp {
    std::int64_t started = 0;  ///< When this pmxcfs began; counters of another one mean nothing.
    std::int64_t list = 0;
    friend bool operator==(const ClusterStamp&, const ClusterStamp&) = default;
};

/// One guest in .vmlist.
struct ListedGuest {
    std::string node;
    GuestType type = GuestType::vm;
    std::int64_t version = 0;  ///< Grows with each write and rename of its config.
    friend bool operator==(const ListedGuest&, const ListedGuest&) = default;
};
using GuestList = std::map<int, ListedGuest>;  ///< By VMID, of the whole cluster.

/// The cluster's file system as this node sees it (pmxcfs, PROXMOX.md 2.1, 4.1). Reads only; nothing is remembered.
class Cluster {
public:
    explicit Cluster(std::filesystem::path root = "/etc/pve") : root_{std::move(root)} {}

    /// Empty: pmxcfs is not there. Then /etc/pve is an empty folder, and nothing may be concluded from it.
    [[nodiscard]] std::optional<ClusterStamp> stamp() const;
    /// @throws GuestsUnavailable  pmxcfs is not there, or its list cannot be understood
    [[nodiscard]] GuestList guests() const;
    /// Without a quorum nothing can be written, and what is seen may be old (PVE::Cluster::check_cfs_is_mounted,
    /// check_cfs_quorum: the owner may write `local`).
    [[nodiscard]] bool is_quorate() const;
    [[nodiscard]] std::string local_node() const;  ///< @throws GuestsUnavailable
    /// Names of all nodes, ours too.
    [[nodiscard]] std::set<std::string> nodes() const;
    /// Whose listings speak for a guest: "<cluster's name, or a single node's>/proxmox".
    [[nodiscard]] std::string origin() const;  ///< @throws GuestsUnavailable

    [[nodiscard]] std::filesystem::path config_file(int vmid, const ListedGuest& guest) const;
    /// Empty: there is no such file.
    /// @throws GuestsUnavailable  it cannot be read
    [[nodiscard]] std::optional<std::string> read_config(int vmid, const ListedGuest& guest) const;
    /// In some node's folder, of whichever type: whatever .vmlist says.
    [[nodiscard]] bool has_file_of(int vmid) const;
    /// The HA manager starts and stops it (PVE::HA::Config::vm_is_ha_managed, service_check_ha_state).
    /// @throws GuestsUnavailable  its list cannot be read
    [[nodiscard]] bool is_ha_managed(int vmid) const;
    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

private:
    std::filesystem::path root_;
};

}  // namespace fip::proxmox
