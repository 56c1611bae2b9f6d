#include "guest_writer.hpp"

#include "app/check_start.hpp"
#include "nic_line.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "runtime/log.hpp"
#include "wanted_appearance.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace fip::proxmox {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_cleanup = 10s;
constexpr auto longest_expectation = 30s;  // the provider has trouble: who starts then stays behind the guard

/// What its NICs are to wear after these changes.
MacsByNumber right_macs(const GuestConfig& config, const std::vector<ConfigChange>& changes) {
    MacsByNumber macs;
    const auto add = [&](const ConfigNic& nic) {
        if (nic.mac) macs.insert_or_assign(static_cast<std::size_t>(nic.number), *nic.mac);
    };
    for (const auto& nic : config.planned_nics()) add(nic);
    for (int number = 0; number < most_nics; ++number) {
        const auto change = std::ranges::find(changes, "net" + std::to_string(number), &ConfigChange::key);
        if (change != changes.end() && change->value) add(read_nic(config.type(), number, *change->value));
    }
    return macs;
}

bool waits_for_address(const Rows& rows, const GuestId& guest) {
    return std::ranges::any_of(rows.guests.notes_of(guest),
                               [](const GuestNote& note) { return note.kind == NoteKind::waiting; });
}

}  // namespace

GuestWriter::GuestWriter(const Cluster& cluster, GuestConfigs& configs, std::function<Context()> context,
                         const RunFolders& folders)
    : cluster_{cluster}, configs_{configs}, context_{std::move(context)}, folders_{folders} {}

SetResult GuestWriter::show(const Guest& guest) {
    const auto vmid = vmid_of(guest.id);
    if (!vmid) return SetResult::done;
    if (restarting_.contains(*vmid)) return finish_restart(context_(), guest, *vmid);
    if (guest.request && !guest.request->is_enabled) return SetResult::done;
    const auto config = configs_.read_own(guest.id, *vmid);
    if (!config) return SetResult::done;
    if (!config->lock().empty() || !cluster_.is_quorate()) return SetResult::later;
    return apply(guest, *vmid, *config);
}

std::vector<ConfigChange> GuestWriter::wanted_changes(const Context& context, const Guest& guest,
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

SetResult GuestWriter::apply(const Guest& guest, int vmid, const GuestConfig& config) {
    const auto context = context_();
    auto changes = wanted_changes(context, guest, config);
    if (changes.empty() && !is_mac_on_its_way(context, guest.id)) return SetResult::done;
    // A start may overtake us: `qm set` needs more than half a second to begin, and a MAC is made by the provider.
    hold_wrong_starts(context);
    if (restarting_.contains(vmid)) return finish_restart(context, guest, vmid);
    if (changes.empty()) {
        expecting_until_ = std::chrono::steady_clock::now() + longest_expectation;
        return SetResult::done;  // who has made it says so
    }
    changes = refusals_.without(vmid, config, std::move(changes));
    if (changes.empty()) return SetResult::refused;
    if (is_lock_held(vmid, config.type())) return SetResult::busy;
    auto result = SetResult::busy;
    try {
        result = set(context, guest, vmid, config, changes);
    } catch (...) {
        if (restarting_.contains(vmid)) (void)finish_restart(context, guest, vmid);
        throw;
    }
    return restarting_.contains(vmid) ? finish_restart(context, guest, vmid) : result;
}

bool GuestWriter::is_mac_on_its_way(const Context& context, const GuestId& guest) {
    bool is_on_its_way = false;
    context.store.read([&](const Rows& rows) {
        is_on_its_way = std::ranges::any_of(rows.leases.of_guest(guest),
                                            [](const Lease& lease) { return lease.state == LeaseState::pending; });
    });
    return is_on_its_way;
}

bool GuestWriter::is_expecting() const {
    return std::chrono::steady_clock::now() < expecting_until_;
}

void GuestWriter::hold_wrong_starts(const Context& context) {
    if (!may_hold_) return;
    for (const auto vmid : vms_in_firmware(folders_)) {
        if (restarting_.contains(vmid)) continue;
        try {
            hold_if_wrong(context, vmid);
        } catch (const InputError&) {
            continue;
        } catch (const GuestsUnavailable&) {
            continue;
        } catch (const StoreBusy&) {
            continue;
        } catch (const StoreError&) {
            continue;
        }
    }
}

/// Where it cannot be held its new MAC stays pending.
void GuestWriter::hold_if_wrong(const Context& context, int vmid) {
    const auto& guests = configs_.listed();
    const auto listed = guests.find(vmid);
    if (listed == guests.end() || listed->second.node != configs_.node()) return;
    const auto config = configs_.read(vmid, listed->second);
    const auto begun = macs_at_begin(vmid, folders_);
    if (!config || !config->lock().empty() || !begun) return;
    if (setting_ != vmid && is_lock_held(vmid, config->type())) return;
    auto guest = read_guest(vmid, *config, false);
    guest.id = configs_.id_of(vmid, *config);
    for (auto& nic : guest.nics) {
        if (const auto worn = begun->find(nic.index); worn != begun->end()) nic.mac = worn->second;
    }
    bool is_waiting = false;
    context.store.read([&](const Rows& rows) { is_waiting = waits_for_address(rows, guest.id); });
    if (is_waiting || check_start(context, guest).answer != StartAnswer::late) return;
    if (cluster_.is_ha_managed(vmid)) return;  // the HA manager would take its end for a wish
    FirmwareRestart restart{context, guest.id, vmid, folders_};
    if (restart.stage() != FirmwareRestart::Stage::none) return;  // another process holds it, or left it
    restart.pause();
    if (restart.stage() == FirmwareRestart::Stage::none) return;
    restarting_.insert(vmid);
}

bool GuestWriter::is_wrong_at_begin(const Context& context, const Guest& guest, int vmid) {
    const auto config = configs_.read_own(guest.id, vmid);
    const auto begun = macs_at_begin(vmid, folders_);
    if (!config || !begun) return false;
    const auto right = right_macs(*config, refusals_.without(vmid, *config, wanted_changes(context, guest, *config)));
    return std::ranges::any_of(*begun, [&](const auto& nic) {
        const auto found = right.find(nic.first);
        return found != right.end() && found->second != nic.second;
    });
}

/// Once it is ended it is started again, whatever becomes of its config.
SetResult GuestWriter::finish_restart(const Context& context, const Guest& guest, int vmid) {
    using Stage = FirmwareRestart::Stage;
    FirmwareRestart restart{context, guest.id, vmid, folders_};
    const auto meanwhile = [&] { hold_wrong_starts(context); };
    if (restart.stage() == Stage::unknown) return SetResult::busy;
    if (restart.stage() == Stage::paused) {
        const bool is_wrong = is_wrong_at_begin(context, guest, vmid);
        const bool is_early = !is_wrong && is_mac_on_its_way(context, guest.id);
        if (is_early && restart.since_pause() < context.settings.hook_deadline) return SetResult::busy;
        if (!is_wrong || !cluster_.is_quorate() || !restart.end(meanwhile)) {
            if (restart.give_up()) restarting_.erase(vmid);
            return SetResult::busy;
        }
    }
    auto result = SetResult::busy;
    std::exception_ptr trouble;
    if (restart.stage() == Stage::ended) {
        try {
            result = show_ended(context, guest, vmid);
        } catch (const std::exception&) {
            trouble = std::current_exception();
        }
        restart.start(meanwhile);
    }
    restarting_.erase(vmid);
    if (trouble) std::rethrow_exception(trouble);
    return result;
}

/// Its end has works of its own (`qm cleanup`), under the guest's lock.
SetResult GuestWriter::show_ended(const Context& context, const Guest& guest, int vmid) {
    if (guest.request && !guest.request->is_enabled) return SetResult::done;
    auto result = SetResult::busy;
    for (const auto end = std::chrono::steady_clock::now() + longest_cleanup; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(100ms)) {
        configs_.read_anew(vmid);
        const auto config = configs_.read_own(guest.id, vmid);
        if (!config) return SetResult::done;
        if (!config->lock().empty()) continue;
        const auto changes = refusals_.without(vmid, *config, wanted_changes(context, guest, *config));
        result = changes.empty() ? SetResult::done : set(context, guest, vmid, *config, changes);
        if (result != SetResult::busy && result != SetResult::later) return result;
    }
    return result;
}

void GuestWriter::forget(int vmid) {
    refusals_.forget(vmid);
    restarting_.erase(vmid);
}

void GuestWriter::let_go(int vmid) {
    const auto context = context_();
    const auto guest = configs_.last_known(vmid);
    if (!guest || FirmwareRestart{context, *guest, vmid, folders_}.give_up()) restarting_.erase(vmid);
}

std::set<int> GuestWriter::take_up_restarts(const Context& context) {
    restarting_ = FirmwareRestart::left_over(context, folders_);
    return restarting_;
}

void GuestWriter::give_up_restarts(const Context& context) const {
    if (restarting_.empty()) return;
    for (const auto& [vmid, stage] : FirmwareRestart::give_up_all(context, folders_)) {
        const auto id = std::to_string(vmid);
        const bool is_off = stage == FirmwareRestart::Stage::ended;
        runtime::log(runtime::Level::error, "guest-held",
                     id +
                         (is_off ? ": it was ended in its firmware, and does not start: qm start "
                                 : ": it is paused in its firmware, and does not answer: qm resume ") +
                         id);
    }
}

SetResult GuestWriter::set_holding(const Context& context, int vmid, const GuestConfig& config,
                                   const std::vector<ConfigChange>& changes) {
    configs_.read_anew(vmid);
    setting_ = vmid;
    struct Reset {
        int& setting;
        ~Reset() { setting = 0; }
    } reset{setting_};
    return set_config(vmid, config, changes, [&] { hold_wrong_starts(context); });
}

SetResult GuestWriter::set(const Context& context, const Guest& guest, int vmid, const GuestConfig& config,
                           const std::vector<ConfigChange>& changes) {
    auto result = SetResult::done;
    try {
        result = set_holding(context, vmid, config, changes);
    } catch (const GuestsUnavailable&) {
        refusals_.remember(vmid, config, changes);
        throw;
    } catch (const InputError& wrong) {
        if (changes.size() > 1) return set_each(context, guest, vmid, changes, wrong);
        if (const auto now = configs_.read_own(guest.id, vmid)) refusals_.remember(vmid, *now, changes);
        throw;
    }
    if (const auto now = configs_.read_own(guest.id, vmid)) refusals_.follow(vmid, config, *now);
    return result;
}

/// pct writes nothing of a call when one NIC cannot be plugged in, and qm nothing when one value is refused.
SetResult GuestWriter::set_each(const Context& context, const Guest& guest, int vmid,
                                const std::vector<ConfigChange>& changes, const InputError& refusal) {
    std::vector<ConfigChange> refused;
    std::string why;
    bool is_pending_already = false;
    auto worst = SetResult::done;
    for (const auto& [key, value] : changes) {
        configs_.read_anew(vmid);
        const auto config = configs_.read_own(guest.id, vmid);
        if (!config || !config->lock().empty()) return SetResult::later;
        const auto wanted = wanted_changes(context_(), guest, *config);
        const auto change = std::ranges::find(wanted, key, &ConfigChange::key);
        if (change == wanted.end()) {
            is_pending_already = true;
            continue;
        }
        try {
            const auto result = set_holding(context, vmid, *config, {*change});
            if (result != SetResult::done) worst = result;
            if (result == SetResult::busy || result == SetResult::later) break;
        } catch (const InputError& wrong) {
            refused.push_back(*change);
            if (why.find(wrong.what()) != std::string::npos) continue;
            why += why.empty() ? "" : "; ";
            why += wrong.what();
        }
    }
    configs_.read_anew(vmid);
    if (const auto config = configs_.read_own(guest.id, vmid); config && !refused.empty()) {
        refusals_.remember(vmid, *config, std::move(refused));
    }
    if (worst == SetResult::busy || worst == SetResult::later) return worst;
    if (!why.empty()) throw InputError{why};
    if (is_pending_already) throw refusal;
    return worst;
}

}  // namespace fip::proxmox
