#include "proxmox_guests.hpp"

#include "core/errors.hpp"
#include "core/pool.hpp"
#include "nic_line.hpp"
#include "read_guest.hpp"
#include "wanted_appearance.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

// `lock: create` alone, "# qmclone temporary file", `lock: destroyed` alone; a restore shows `memory: 128` meanwhile
// (PROXMOX.md 4.1).
constexpr std::array<std::string_view, 4> unfinished{"create", "clone", "import", "destroyed"};

constexpr auto longest_cleanup = 10s;

Guest left_alone(Guest guest) {
    guest.request = Request{{}, {}, {}, false};
    return guest;
}

/// What the NICs among the changes are to wear, by N of netN.
std::map<std::size_t, Mac> right_macs(const std::vector<ConfigChange>& changes) {
    std::map<std::size_t, Mac> macs;
    for (int number = 0; number < most_nics; ++number) {
        const auto change = std::ranges::find(changes, "net" + std::to_string(number), &ConfigChange::key);
        if (change == changes.end() || !change->value) continue;
        const auto nic = read_nic(GuestType::vm, number, *change->value);
        if (nic.mac) macs.emplace(static_cast<std::size_t>(number), *nic.mac);
    }
    return macs;
}

}  // namespace

bool is_placeholder(const GuestConfig& config) {
    return std::ranges::find(unfinished, config.lock()) != unfinished.end();
}

ProxmoxGuests::ProxmoxGuests(const Cluster& cluster, std::function<Context()> context, RunFolders folders)
    : cluster_{cluster}, context_{std::move(context)}, folders_{std::move(folders)} {}

const GuestList& ProxmoxGuests::listed_now() {
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

void ProxmoxGuests::load_known_ids() {
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

std::optional<GuestConfig> ProxmoxGuests::config_of(int vmid, const ListedGuest& listed) {
    const auto known = known_.find(vmid);
    if (known != known_.end() && known->second.listed == listed) return GuestConfig{listed.type, known->second.text};
    auto text = cluster_.read_config(vmid, listed);
    if (!text) return {};
    known_[vmid] = {listed, *text};
    return GuestConfig{listed.type, *std::move(text)};
}

Guest ProxmoxGuests::guest_of(int vmid, const GuestConfig& config, const ListedGuest& listed) {
    auto guest = read_guest(vmid, config, true);
    guest.origin = origin_;
    if (is_placeholder(config)) {
        if (const auto id = last_known(vmid)) guest.id = *id;
        return left_alone(std::move(guest));
    }
    if (listed.node != node_) return left_alone(std::move(guest));
    if (config.is_template()) guest.nics.clear();  // it can never start, so it needs nothing
    guest.is_arriving = arriving_.contains(vmid);
    if (listed.type == GuestType::vm) {
        add_running_vm(guest, vmid, folders_);
    } else {
        add_running_container(guest, vmid, folders_);
    }
    return config.lock().empty() ? guest : left_alone(std::move(guest));
}

Listing ProxmoxGuests::list(const std::function<void(const Guest&)>& visit) {
    Listing listing;
    const auto gap = [&](int vmid, const std::string& why) {
        listing.gaps.push_back("guest " + std::to_string(vmid) + ": " + why);
    };
    const auto guests = listed_now();  // a copy: who is visited may be changed
    for (const auto& [vmid, listed] : guests) {
        try {
            const auto config = config_of(vmid, listed);
            if (!config) {
                gap(vmid, "it went or moved while it was looked at");
                continue;
            }
            const auto guest = guest_of(vmid, *config, listed);
            if (listed.node == node_) {
                visit(guest);
            } else {
                listing.elsewhere.push_back(guest.id);
            }
        } catch (const InputError& wrong) {
            gap(vmid, wrong.what());
        }
    }
    if (!cluster_.is_quorate()) listing.gaps.emplace_back("the cluster has no quorum");
    if (listing.gaps.empty()) listing.origins.push_back(origin_);
    return listing;
}

void ProxmoxGuests::list_others(const std::function<void(const Guest&)>& visit) {
    const auto guests = listed_now();
    for (const auto& [vmid, listed] : guests) {
        if (listed.node == node_) continue;
        try {
            if (const auto config = config_of(vmid, listed)) visit(guest_of(vmid, *config, listed));
        } catch (const InputError&) {
            continue;  // its own node says what is wrong with it
        }
    }
}

std::optional<Guest> ProxmoxGuests::find(const GuestId& id) {
    const auto vmid = vmid_of(id);
    if (!vmid) throw GuestsUnavailable{"guest " + id.value + " is none of Proxmox'"};
    const auto& guests = listed_now();
    const auto listed = guests.find(*vmid);
    if (listed == guests.end()) {
        if (!cluster_.is_quorate()) throw GuestsUnavailable{"the cluster has no quorum"};
        return {};
    }
    const auto config = config_of(*vmid, listed->second);
    if (!config) throw GuestsUnavailable{"guest " + id.value + " went or moved while it was looked at"};
    if (is_placeholder(*config)) throw GuestsUnavailable{"guest " + id.value + " is being made or taken apart"};
    auto guest = guest_of(*vmid, *config, listed->second);
    if (guest.id != id) return {};
    if (listed->second.node != node_) throw GuestsUnavailable{"guest " + id.value + " is on " + listed->second.node};
    return guest;
}

std::optional<Guest> ProxmoxGuests::find_own(int vmid) {
    const auto& guests = listed_now();
    const auto listed = guests.find(vmid);
    if (listed == guests.end()) return {};
    const auto config = whole_config(vmid, listed->second);
    if (!config || listed->second.node != node_ || !config->lock().empty()) return {};
    return guest_of(vmid, *config, listed->second);
}

std::optional<GuestConfig> ProxmoxGuests::find_elsewhere(int vmid) {
    const auto& guests = listed_now();
    const auto listed = guests.find(vmid);
    if (listed == guests.end() || listed->second.node == node_) return {};
    return whole_config(vmid, listed->second);
}

std::optional<GuestConfig> ProxmoxGuests::whole_config(int vmid, const ListedGuest& listed) {
    auto config = config_of(vmid, listed);
    if (!config || is_placeholder(*config)) return {};
    ids_[vmid] = guest_id(vmid, *config);
    return config;
}

std::optional<GuestId> ProxmoxGuests::last_known(int vmid) const {
    const auto found = ids_.find(vmid);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
}

void ProxmoxGuests::forget(int vmid) {
    ids_.erase(vmid);
    known_.erase(vmid);
    arriving_.erase(vmid);
    refusals_.forget(vmid);
    restarting_.erase(vmid);
}

bool ProxmoxGuests::write(const Guest& guest, const GuestEdit&) {
    const auto result = show(guest);  // the store has what the edit says
    return result == SetResult::done || result == SetResult::pending;
}

SetResult ProxmoxGuests::show(const Guest& guest) {
    const auto vmid = vmid_of(guest.id);
    if (!vmid) return SetResult::done;
    if (restarting_.contains(*vmid)) return finish_restart(context_(), guest, *vmid);
    if (guest.request && !guest.request->is_enabled) return SetResult::done;
    const auto config = own_config(guest, *vmid);
    if (!config) return SetResult::done;
    if (!config->lock().empty() || !cluster_.is_quorate()) return SetResult::later;
    return apply(guest, *vmid, *config);
}

std::optional<GuestConfig> ProxmoxGuests::own_config(const Guest& guest, int vmid) {
    const auto& guests = listed_now();
    const auto listed = guests.find(vmid);
    if (listed == guests.end() || listed->second.node != node_) return {};
    auto config = config_of(vmid, listed->second);
    if (config && guest_id(vmid, *config) != guest.id) return {};
    return config;
}

std::vector<ConfigChange> ProxmoxGuests::wanted_changes(const Context& context, const Guest& guest,
                                                        const GuestConfig& config) const {
    std::vector<ConfigChange> changes;
    context.store.read([&](const Rows& rows) {
        auto wanted = wanted_appearance(context, rows, guest);
        if (!wanted) return;
        // A fresh guest whose MAC is still being made is written once, when it is there.
        const bool is_early =
            std::ranges::any_of(wanted->nics, [](const ShownNic& nic) { return !nic.mac && !nic.addresses.empty(); });
        // Rule 7: of a guest that has nothing of ours not even an address is taken away.
        if ((is_early || wanted->nics.empty()) && !shows_anything(config)) return;
        wanted->may_set_hookscript = may_set_hookscript_;
        changes = changes_for(config, *wanted);
    });
    return changes;
}

SetResult ProxmoxGuests::apply(const Guest& guest, int vmid, const GuestConfig& config) {
    const auto context = context_();
    auto changes = wanted_changes(context, guest, config);
    if (changes.empty()) return SetResult::done;
    changes = refusals_.without(vmid, config, std::move(changes));
    if (changes.empty()) return SetResult::refused;
    if (is_lock_held(vmid, config.type())) return SetResult::busy;
    if (config.type() == GuestType::container) return set(guest, vmid, config, changes, [] {});
    const auto right = right_macs(changes);
    // `qm set` needs more than half a second to begin: a start may overtake it.
    const auto hold = [&] { hold_in_firmware(context, guest.id, vmid, right); };
    hold();
    if (restarting_.contains(vmid)) return finish_restart(context, guest, vmid);
    auto result = SetResult::busy;
    try {
        result = set(guest, vmid, config, changes, hold);
    } catch (...) {
        if (restarting_.contains(vmid)) (void)finish_restart(context, guest, vmid);
        throw;
    }
    return restarting_.contains(vmid) ? finish_restart(context, guest, vmid) : result;
}

/// Where it cannot be held the new MAC stays pending.
void ProxmoxGuests::hold_in_firmware(const Context& context, const GuestId& guest, int vmid,
                                     const std::map<std::size_t, Mac>& right) {
    if (restarting_.contains(vmid) || !has_just_begun_wrong(vmid, folders_, right)) return;
    try {
        if (cluster_.is_ha_managed(vmid)) return;  // the HA manager would take its end for a wish
        FirmwareRestart restart{context, guest, vmid, folders_};
        if (restart.stage() != FirmwareRestart::Stage::none) return;  // another process holds it, or left it
        restart.pause(right);
        if (restart.stage() != FirmwareRestart::Stage::none) restarting_.insert(vmid);
    } catch (const GuestsUnavailable&) {
        return;
    } catch (const StoreBusy&) {
        return;
    } catch (const StoreError&) {
        return;
    }
}

/// Once it is ended it is started again, whatever becomes of its config.
SetResult ProxmoxGuests::finish_restart(const Context& context, const Guest& guest, int vmid) {
    using Stage = FirmwareRestart::Stage;
    FirmwareRestart restart{context, guest.id, vmid, folders_};
    if (restart.stage() == Stage::unknown) return SetResult::busy;
    if (restart.stage() == Stage::paused && (!cluster_.is_quorate() || !restart.end())) {
        if (restart.give_up()) restarting_.erase(vmid);
        return SetResult::busy;
    }
    auto result = SetResult::busy;
    std::exception_ptr trouble;
    if (restart.stage() == Stage::ended) {
        try {
            result = show_ended(context, guest, vmid);
        } catch (const std::exception&) {
            trouble = std::current_exception();
        }
        restart.start();
    }
    restarting_.erase(vmid);
    if (trouble) std::rethrow_exception(trouble);
    return result;
}

/// Its end has works of its own (`qm cleanup`), under the guest's lock.
SetResult ProxmoxGuests::show_ended(const Context& context, const Guest& guest, int vmid) {
    if (guest.request && !guest.request->is_enabled) return SetResult::done;
    auto result = SetResult::busy;
    for (const auto end = std::chrono::steady_clock::now() + longest_cleanup; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(100ms)) {
        known_.erase(vmid);
        const auto config = own_config(guest, vmid);
        if (!config) return SetResult::done;
        if (!config->lock().empty()) continue;
        const auto changes = refusals_.without(vmid, *config, wanted_changes(context, guest, *config));
        result = changes.empty() ? SetResult::done : set(guest, vmid, *config, changes, [] {});
        if (result != SetResult::busy && result != SetResult::later) return result;
    }
    return result;
}

std::set<int> ProxmoxGuests::take_up_restarts(const Context& context) {
    restarting_ = FirmwareRestart::left_over(context, folders_);
    return restarting_;
}

void ProxmoxGuests::give_up_restarts(const Context& context) const {
    if (!restarting_.empty()) (void)FirmwareRestart::give_up_all(context, folders_);
}

SetResult ProxmoxGuests::set(const Guest& guest, int vmid, const GuestConfig& config,
                             const std::vector<ConfigChange>& changes, const std::function<void()>& meanwhile) {
    known_.erase(vmid);
    auto result = SetResult::done;
    try {
        result = set_config(vmid, config, changes, meanwhile);
    } catch (const GuestsUnavailable&) {
        refusals_.remember(vmid, config, changes);
        throw;
    } catch (const InputError& wrong) {
        if (changes.size() > 1) return set_each(guest, vmid, changes, meanwhile, wrong);
        if (const auto now = own_config(guest, vmid)) refusals_.remember(vmid, *now, changes);
        throw;
    }
    if (const auto now = own_config(guest, vmid)) refusals_.follow(vmid, config, *now);
    return result;
}

/// pct writes nothing of a call when one NIC cannot be plugged in, and qm nothing when one value is refused.
SetResult ProxmoxGuests::set_each(const Guest& guest, int vmid, const std::vector<ConfigChange>& changes,
                                  const std::function<void()>& meanwhile, const InputError& refusal) {
    std::vector<ConfigChange> refused;
    std::string why;
    bool is_pending_already = false;
    auto worst = SetResult::done;
    for (const auto& [key, value] : changes) {
        known_.erase(vmid);
        const auto config = own_config(guest, vmid);
        if (!config || !config->lock().empty()) return SetResult::later;
        const auto wanted = wanted_changes(context_(), guest, *config);
        const auto change = std::ranges::find(wanted, key, &ConfigChange::key);
        if (change == wanted.end()) {
            is_pending_already = true;
            continue;
        }
        try {
            const auto result = set_config(vmid, *config, {*change}, meanwhile);
            if (result != SetResult::done) worst = result;
            if (result == SetResult::busy || result == SetResult::later) break;
        } catch (const InputError& wrong) {
            refused.push_back(*change);
            why += (why.empty() ? "" : "; ") + std::string{wrong.what()};
        }
    }
    known_.erase(vmid);
    if (const auto config = own_config(guest, vmid); config && !refused.empty()) {
        refusals_.remember(vmid, *config, std::move(refused));
    }
    if (worst == SetResult::busy || worst == SetResult::later) return worst;
    if (!why.empty()) throw InputError{why};
    if (is_pending_already) throw refusal;
    return worst;
}

}  // namespace fip::proxmox
