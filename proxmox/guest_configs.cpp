#include "guest_configs.hpp"

#include "core/lease.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fip::proxmox {
namespace {

// `lock: create` alone, "# qmclone temporary file", `lock: destroyed` alone; a restore shows `memory: 128` meanwhile
// (PROXMOX.md 4.1).
constexpr std::array<std::string_view, 4> unfinished{"create", "clone", "import", "destroyed"};

}  // namespace

bool is_placeholder(const GuestConfig& config) {
    return std::ranges::find(unfinished, config.lock()) != unfinished.end();
}

GuestConfigs::GuestConfigs(const Cluster& cluster, std::function<Context()> context)
    : cluster_{cluster}, context_{std::move(context)} {}

const GuestList& GuestConfigs::listed() {
    const auto stamp = cluster_.stamp();
    if (!stamp) throw GuestsUnavailable{"pmxcfs is not running: " + cluster_.root().string() + " has no .version"};
    if (!stamp_ || stamp->started != stamp_->started) {
        known_.clear();  // versions begin anew
        node_ = cluster_.local_node();
        origin_ = cluster_.origin();
    }
    if (stamp_ != stamp) {
        list_ = cluster_.guests();
        stamp_ = stamp;
    }
    load_known_ids();
    return list_;
}

void GuestConfigs::load_known_ids() {
    if (has_loaded_ids_ || !context_) return;
    context_().store.read([&](const Rows& rows) {
        for (const auto& lease : rows.leases.all("")) {
            // Of another cluster: this node has left it, and the guest may live on there.
            const bool is_of_others = !lease.origin.empty() && lease.origin != origin_;
            if (!lease.guest || !is_held(lease.state) || is_of_others) continue;
            if (const auto vmid = vmid_of(*lease.guest)) ids_.emplace(*vmid, *lease.guest);
        }
    });
    has_loaded_ids_ = true;
}

std::optional<GuestConfig> GuestConfigs::read(int vmid, const ListedGuest& listed) {
    const auto known = known_.find(vmid);
    if (known != known_.end() && known->second.listed == listed) return GuestConfig{listed.type, known->second.text};
    auto text = cluster_.read_config(vmid, listed);
    if (!text) return {};
    known_[vmid] = {listed, *text};
    return GuestConfig{listed.type, *std::move(text)};
}

std::optional<GuestConfig> GuestConfigs::read_whole(int vmid, const ListedGuest& listed) {
    auto config = read(vmid, listed);
    if (!config || is_placeholder(*config)) return {};
    ids_[vmid] = id_of(vmid, *config);
    return config;
}

std::optional<GuestConfig> GuestConfigs::read_own(const GuestId& guest, int vmid) {
    const auto& guests = listed();
    const auto found = guests.find(vmid);
    if (found == guests.end() || found->second.node != node_) return {};
    auto config = read(vmid, found->second);
    if (config && id_of(vmid, *config) != guest) return {};
    return config;
}

std::optional<GuestId> GuestConfigs::last_known(int vmid) const {
    const auto found = ids_.find(vmid);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
}

void GuestConfigs::forget(int vmid) {
    ids_.erase(vmid);
    known_.erase(vmid);
}

}  // namespace fip::proxmox
