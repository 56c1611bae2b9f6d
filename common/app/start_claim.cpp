#include "app/start_claim.hpp"

#include "app/guest_facts.hpp"
#include "app/look_work.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fip {
namespace {

/// libvirt gives a name to one guest at a time: who starts under it now is who tried before.
void take_over(Rows& rows, const Guest& guest) {
    for (const auto& note : rows.guests.notes(NoteKind::claimed)) {
        if (note.name != guest.name || note.guest == guest.id || note.guest.kind != guest.id.kind) continue;
        for (auto lease : rows.leases.of_guest(note.guest)) {
            if (!is_held(lease.state)) continue;
            rows.leases.erase(lease.address);  // two may change places
            lease.guest = guest.id;
            rows.leases.put(lease);
        }
        for (const auto& stale : rows.guests.notes_of(note.guest)) {
            rows.guests.erase(stale.kind, stale.guest, stale.slot);
        }
    }
}

/// What keeps the provider from making the MACs that the plan waits for; empty: nothing that is known.
std::string trouble_of(const Context& context, const Rows& rows, const GuestPlan& plan) {
    for (const auto& nic : plan.nics) {
        const auto pool = context.settings.pools.find(nic.pool);
        if (nic.mac || pool == context.settings.pools.end()) continue;
        const auto& provider = pool->second.provider;
        const auto status = rows.provider.status(provider);
        if (status.last_error.empty()) continue;
        return "the provider " + provider + (status.failures > 0 ? " does not answer (" : " refuses (") +
               status.last_error + "), and its virtual MAC is made there";
    }
    return "";
}

StartClaim judge(const Context& context, const Rows& rows, const GuestPlan& plan) {
    for (const auto& nic : plan.nics) {
        if (!nic.problem.empty()) return {StartClaim::Kind::refused, nic.problem};
    }
    const bool is_ready =
        std::all_of(plan.nics.begin(), plan.nics.end(), [](const NicView& nic) { return nic.mac.has_value(); });
    if (is_ready) {
        StartClaim ready{StartClaim::Kind::ready, {}, {}};
        for (const auto& nic : plan.nics) ready.macs.push_back({nic.nic, *nic.mac});
        return ready;
    }
    const auto trouble = trouble_of(context, rows, plan);
    return {StartClaim::Kind::pending, trouble.empty() ? "its virtual MAC is being made at the provider" : trouble};
}

std::vector<Lease> held_leases(const Rows& rows, const GuestId& guest) {
    auto leases = rows.leases.of_guest(guest);
    std::erase_if(leases, [](const Lease& lease) { return !is_held(lease.state); });
    return leases;
}

/// Takes the transaction back.
struct NothingClaimed {};

StartClaim claim_in(const Context& context, Rows& rows, const Guest& guest) {
    if (has_adoptable(context, rows, guest)) {
        return {StartClaim::Kind::refused, "one of its MACs is registered and not adopted yet: try again"};
    }
    Look look{context, guest, {}};
    look.plan(rows);
    look.carry_out(rows);
    look.complete(rows);
    for (const auto& note : rows.guests.notes_of(guest.id)) {
        if (note.kind == NoteKind::waiting) return {StartClaim::Kind::refused, note.text};
    }
    return judge(context, rows, look.plan(rows));
}

bool is_unused(const GuestNote& note, const Now& now) {
    return note.at.boot_id != now.boot_id || now.boot - note.at.boot >= claim_lasts;
}

}  // namespace

StartClaim claim_for_start(const Context& context, const Guest& guest) {
    StartClaim answer;
    try {
        context.store.write([&](Rows& rows) {
            const bool is_known = !held_leases(rows, guest.id).empty();
            if (guest.id.kind == GuestKind::libvirt) take_over(rows, guest);
            auto named = guest;
            if (const auto held = held_leases(rows, guest.id); !held.empty() && !held.front().origin.empty()) {
                named.origin = held.front().origin;  // which driver's listings speak for it
            }
            answer = claim_in(context, rows, named);
            if (answer.kind == StartClaim::Kind::refused) throw NothingClaimed{};
            // A guest that held something before is known, and Proxmox had a Proxmox guest's config before its start:
            // their ends are seen as every other's.
            if (is_known || guest.id.kind == GuestKind::proxmox || held_leases(rows, guest.id).empty()) return;
            rows.guests.put({NoteKind::claimed, guest.id, "", guest.name, "", "", context.clock.now()});
        });
    } catch (const NothingClaimed&) {
        // Nothing changed: who is refused neither holds nor waits.
    }
    return answer;
}

Looked end_unused_claims(const Context& context, GuestSource& source) {
    std::vector<GuestId> unused;
    const auto now = context.clock.now();
    context.store.read([&](const Rows& rows) {
        for (const auto& note : rows.guests.notes(NoteKind::claimed)) {
            if (note.guest.kind == source.kind() && is_unused(note, now)) unused.push_back(note.guest);
        }
    });
    Looked looked;
    for (const auto& guest : unused) {
        bool is_there = true;
        try {
            is_there = source.find(guest).has_value();
        } catch (const GuestsUnavailable&) {
            continue;  // asked again at the next comparison
        }
        if (is_there) {
            context.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::claimed, guest, std::nullopt); });
            continue;
        }
        auto ended = guest_ended(context, guest);
        std::move(ended.happenings.begin(), ended.happenings.end(), std::back_inserter(looked.happenings));
        looked.is_provider_work_due = looked.is_provider_work_due || ended.is_provider_work_due;
    }
    return looked;
}

bool note_queued_start(const Context& context, const Guest& guest, const std::string& wrong_macs) {
    bool is_new = true;
    context.store.write([&](Rows& rows) {
        is_new = true;
        for (const auto& note : rows.guests.notes_of(guest.id)) {
            if (note.kind == NoteKind::queued_start && note.text == wrong_macs) is_new = false;
        }
        if (!is_new) return;
        rows.guests.erase(NoteKind::queued_start, guest.id, std::nullopt);  // put() would keep the old time
        rows.guests.put({NoteKind::queued_start, guest.id, "", guest.name, "", wrong_macs, context.clock.now()});
    });
    return is_new;
}

bool has_queued_start(const Context& context, const GuestId& guest) {
    bool is_noted = false;
    context.store.read([&](const Rows& rows) {
        const auto notes = rows.guests.notes_of(guest);
        is_noted = std::any_of(notes.begin(), notes.end(),
                               [](const GuestNote& note) { return note.kind == NoteKind::queued_start; });
    });
    return is_noted;
}

void forget_queued_start(const Context& context, const GuestId& guest) {
    context.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::queued_start, guest, std::nullopt); });
}

}  // namespace fip
