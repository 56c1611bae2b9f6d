#include "guest_writer.hpp"

#include "nic_line.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
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
void GuestWriter::hold_in_firmware(const Context& context, const GuestId& guest, int vmid,
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
SetResult GuestWriter::finish_restart(const Context& context, const Guest& guest, int vmid) {
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
        result = changes.empty() ? SetResult::done : set(guest, vmid, *config, changes, [] {});
        if (result != SetResult::busy && result != SetResult::later) return result;
    }
    return result;
}

void GuestWriter::forget(int vmid) {
    refusals_.forget(vmid);
    restarting_.erase(vmid);
}

std::set<int> GuestWriter::take_up_restarts(const Context& context) {
    restarting_ = FirmwareRestart::left_over(context, folders_);
    return restarting_;
}

void GuestWriter::give_up_restarts(const Context& context) const {
    if (!restarting_.empty()) (void)FirmwareRestart::give_up_all(context, folders_);
}

SetResult GuestWriter::set(const Guest& guest, int vmid, const GuestConfig& config,
                           const std::vector<ConfigChange>& changes, const std::function<void()>& meanwhile) {
    configs_.read_anew(vmid);
    auto result = SetResult::done;
    try {
        result = set_config(vmid, config, changes, meanwhile);
    } catch (const GuestsUnavailable&) {
        refusals_.remember(vmid, config, changes);
        throw;
    } catch (const InputError& wrong) {
        if (changes.size() > 1) return set_each(guest, vmid, changes, meanwhile, wrong);
        if (const auto now = configs_.read_own(guest.id, vmid)) refusals_.remember(vmid, *now, changes);
        throw;
    }
    if (const auto now = configs_.read_own(guest.id, vmid)) refusals_.follow(vmid, config, *now);
    return result;
}

/// pct writes nothing of a call when one NIC cannot be plugged in, and qm nothing when one value is refused.
SetResult GuestWriter::set_each(const Guest& guest, int vmid, const std::vector<ConfigChange>& changes,
                                const std::function<void()>& meanwhile, const InputError& refusal) {
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
            const auto result = set_config(vmid, *config, {*change}, meanwhile);
            if (result != SetResult::done) worst = result;
            if (result == SetResult::busy || result == SetResult::later) break;
        } catch (const InputError& wrong) {
            refused.push_back(*change);
            why += (why.empty() ? "" : "; ") + std::string{wrong.what()};
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
