#include "proxmox_guests.hpp"

#include "core/errors.hpp"
#include "read_guest.hpp"

#include <utility>

namespace fip::proxmox {
namespace {

Guest left_alone(Guest guest) {
    guest.request = Request{{}, {}, {}, false};
    return guest;
}

}  // namespace

ProxmoxGuests::ProxmoxGuests(const Cluster& cluster, std::function<Context()> context, RunFolders folders)
    : cluster_{cluster},
      folders_{std::move(folders)},
      configs_{cluster, context},
      writer_{cluster, configs_, std::move(context), folders_} {}

Guest ProxmoxGuests::guest_of(int vmid, const GuestConfig& config, const ListedGuest& listed) {
    auto guest = read_guest(vmid, config, true);
    guest.id = configs_.id_of(vmid, config);
    guest.origin = configs_.origin();
    if (is_placeholder(config)) {
        if (const auto id = configs_.last_known(vmid)) guest.id = *id;
        return left_alone(std::move(guest));
    }
    if (listed.node != configs_.node()) return left_alone(std::move(guest));
    if (config.is_template()) guest.nics.clear();  // it can never start, so it needs nothing
    guest.is_arriving = arriving_.contains(vmid);
    if (listed.type == GuestType::vm) {
        add_running_vm(guest, vmid, folders_);
    } else {
        add_running_container(guest, vmid, folders_);
    }
    return config.lock().empty() || is_moving_in(vmid, config) ? guest : left_alone(std::move(guest));
}

bool ProxmoxGuests::is_moving_in(int vmid, const GuestConfig& config) const {
    return config.lock() == "migrate" && arriving_.contains(vmid);
}

Listing ProxmoxGuests::list(const std::function<void(const Guest&)>& visit) {
    Listing listing;
    const auto gap = [&](int vmid, const std::string& why) {
        listing.gaps.push_back("guest " + std::to_string(vmid) + ": " + why);
    };
    const auto guests = configs_.listed();  // a copy: who is visited may be changed
    for (const auto& [vmid, listed] : guests) {
        try {
            const auto config = configs_.read(vmid, listed);
            if (!config) {
                gap(vmid, "it went or moved while it was looked at");
                continue;
            }
            const auto guest = guest_of(vmid, *config, listed);
            if (listed.node == configs_.node()) {
                visit(guest);
            } else {
                listing.elsewhere.push_back(guest.id);
            }
        } catch (const InputError& wrong) {
            gap(vmid, wrong.what());
        }
    }
    if (!cluster_.is_quorate()) listing.gaps.emplace_back("the cluster has no quorum");
    if (listing.gaps.empty()) listing.origins.push_back(configs_.origin());
    return listing;
}

void ProxmoxGuests::list_others(const std::function<void(const Guest&)>& visit) {
    const auto guests = configs_.listed();
    for (const auto& [vmid, listed] : guests) {
        if (listed.node == configs_.node()) continue;
        try {
            if (const auto config = configs_.read(vmid, listed)) visit(guest_of(vmid, *config, listed));
        } catch (const InputError&) {
            continue;  // its own node says what is wrong with it
        }
    }
}

std::optional<Guest> ProxmoxGuests::find(const GuestId& id) {
    const auto vmid = vmid_of(id);
    if (!vmid) throw GuestsUnavailable{"guest " + id.value + " is none of Proxmox'"};
    const auto& guests = configs_.listed();
    const auto listed = guests.find(*vmid);
    if (listed == guests.end()) {
        if (!cluster_.is_quorate()) throw GuestsUnavailable{"the cluster has no quorum"};
        return {};
    }
    const auto config = configs_.read(*vmid, listed->second);
    if (!config) throw GuestsUnavailable{"guest " + id.value + " went or moved while it was looked at"};
    if (is_placeholder(*config)) throw GuestsUnavailable{"guest " + id.value + " is being made or taken apart"};
    auto guest = guest_of(*vmid, *config, listed->second);
    if (guest.id != id) return {};
    if (listed->second.node != configs_.node())
        throw GuestsUnavailable{"guest " + id.value + " is on " + listed->second.node};
    return guest;
}

std::optional<Guest> ProxmoxGuests::find_own(int vmid) {
    const auto& guests = configs_.listed();
    const auto listed = guests.find(vmid);
    if (listed == guests.end()) return {};
    const auto config = configs_.read_whole(vmid, listed->second);
    if (!config || listed->second.node != configs_.node()) return {};
    if (!config->lock().empty() && !is_moving_in(vmid, *config)) return {};
    return guest_of(vmid, *config, listed->second);
}

std::optional<GuestConfig> ProxmoxGuests::find_elsewhere(int vmid) {
    const auto& guests = configs_.listed();
    const auto listed = guests.find(vmid);
    if (listed == guests.end() || listed->second.node == configs_.node()) return {};
    return configs_.read_whole(vmid, listed->second);
}

void ProxmoxGuests::forget(int vmid) {
    configs_.forget(vmid);
    writer_.forget(vmid);
    arriving_.erase(vmid);
}

bool ProxmoxGuests::write(const Guest& guest, const GuestEdit&) {
    const auto result = writer_.show(guest);  // the store has what the edit says
    return result == SetResult::done || result == SetResult::pending;
}

}  // namespace fip::proxmox
