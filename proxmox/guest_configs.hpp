#pragma once

#include "app/context.hpp"
#include "cluster.hpp"
#include "read_guest.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace fip::proxmox {

/// The guests' configs of the whole cluster, and who each VMID is. One thread per object.
///
/// A config is read when its version in .vmlist has changed, and kept.
class GuestConfigs {
public:
    /// @param context  of the calling thread; empty: there is no store yet
    GuestConfigs(const Cluster& cluster, std::function<Context()> context);

    /// As the cluster is now; kept until it changes, so a reference holds only until the next call.
    /// @throws GuestsUnavailable  pmxcfs is not running
    [[nodiscard]] const GuestList& listed();
    /// Empty: its file is not there.
    [[nodiscard]] std::optional<GuestConfig> read(int vmid, const ListedGuest& listed);
    /// Of any node; its id is the VMID's from now on. Empty: it is not there, or not whole (is_placeholder).
    [[nodiscard]] std::optional<GuestConfig> read_whole(int vmid, const ListedGuest& listed);
    /// Of this node. Empty: this guest has none here any more.
    [[nodiscard]] std::optional<GuestConfig> read_own(const GuestId& guest, int vmid);
    /// We have changed it: .vmlist may say so too late.
    void read_anew(int vmid) { known_.erase(vmid); }

    /// What the VMID's config said last that was complete; of any node.
    [[nodiscard]] std::optional<GuestId> last_known(int vmid) const;
    [[nodiscard]] GuestId id_of(int vmid, const GuestConfig& config) const {
        return guest_id(vmid, config, last_known(vmid));
    }
    void forget(int vmid);

    /// Both as of the last listed().
    [[nodiscard]] const std::string& node() const { return node_; }
    [[nodiscard]] const std::string& origin() const { return origin_; }

private:
    struct Known {
        ListedGuest listed;
        std::string text;
    };
    void load_known_ids();

    const Cluster& cluster_;
    std::function<Context()> context_;
    std::string node_;
    std::string origin_;
    std::optional<ClusterStamp> stamp_;
    GuestList list_;
    std::map<int, Known> known_;
    std::map<int, GuestId> ids_;
    bool has_loaded_ids_ = false;
};

/// Proxmox still makes this config, or takes it apart: what it says is not what the guest is.
[[nodiscard]] bool is_placeholder(const GuestConfig& config);

}  // namespace fip::proxmox
