// What another process began: from whatever state it left the guest in.
#include "core/errors.hpp"
#include "nic_swaps.hpp"
#include "ports/guest_source.hpp"
#include "qemu_process.hpp"
#include "worn_mac.hpp"

#include <algorithm>
#include <utility>

namespace fip::plugin {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds runs_on{100};  // CPU time, between the intent and the pause

}  // namespace

void NicSwaps::recover() {
    std::map<GuestId, Swap> found;
    std::set<GuestId> unreadable;
    context_().store.read([&](const Rows& rows) {
        for (const auto& stored : rows.guests.notes(NoteKind::swapping)) {
            if (stored.guest.kind != GuestKind::libvirt || is_under_way(stored.guest.value)) continue;
            const auto note = read_swap_note(stored.text);
            if (!note) {
                unreadable.insert(stored.guest);
                continue;
            }
            auto& swap = found[stored.guest];
            swap.guest = stored.guest;
            swap.name = stored.name;
            swap.way = note->way;
            swap.is_our_pause = note->is_our_pause;
            swap.nics.push_back({stored.slot, *note, Where::plugged, owner_of(rows, stored.guest, note->worn)});
        }
    });
    for (const auto& guest : unreadable) erase_notes(guest);
    for (auto& [guest, swap] : found) {
        if (unreadable.contains(guest)) continue;
        try {
            recover_one(std::move(swap));
        } catch (const GuestsUnavailable&) {
            // Its driver is not connected: recover() comes again when it is.
        }
    }
}

// CPU time stands still as long as a guest is paused.
bool NicSwaps::has_stayed_paused(const Swap& swap, const LiveGuest& guest) const {
    if (guest.state() != LiveGuest::State::paused) return false;
    const auto process = find_qemu_process(swap.name, swap.guest.value, {});
    const auto before = swap.nics.front().note.ran;
    return process && process->ran && before && *process->ran - *before < runs_on;
}

void NicSwaps::recover_one(Swap swap) {
    const auto uuid = swap.guest.value;
    const auto live = LiveGuest::find(connections_, uuid);
    if (!live) return erase_notes(swap.guest);
    swap.connection = &live->connection();
    swap.stage = Stage::unplugging;
    swap.began = Steady::now();
    swap.due = Steady::now();
    swaps_.insert_or_assign(uuid, std::move(swap));
    guarded(uuid, [&](Swap& it, const LiveGuest& guest) {
        // It ran on: it may be beyond its firmware, so only what is missing is put back.
        const bool has_run_on = it.way == SwapWay::reset && !has_stayed_paused(it, guest);
        if (has_run_on) it.way = SwapWay::ask;
        see(it, guest);
        if (has_run_on || std::ranges::find(it.nics, Where::plugged, &SwappedNic::where) == it.nics.end()) {
            if (!has_run_on) return go_on(it, guest);
            plug_in(it, guest);
            // It may have been asked to let go of its NIC already, and do so when its system is up.
            it.may_begin_again = true;
            remember_given_up(it);
            return resume(it, guest);
        }
        // Killed before the first reset, at a moment where that would have been the last.
        if (it.way == SwapWay::reset && !guest.can_begin_anew()) {
            it.way = SwapWay::ask;
            return resume(it, guest);
        }
        for (const auto& nic : it.nics) {
            if (nic.where != Where::plugged) continue;
            try {
                guest.detach(nic.note.alias);
            } catch (const LibvirtRefused&) {
                // It was asked for already; whether that leads anywhere is seen below.
            }
        }
        wait_for_removal(it, guest);
    });
}

}  // namespace fip::plugin
