#include "app/look_work.hpp"

#include "app/claim.hpp"
#include "app/guest_facts.hpp"

#include <algorithm>
#include <utility>

namespace fip {

const GuestPlan& Look::plan(const Rows& rows) {
    plan_ = plan_guest(gather(context_, rows, guest_, wearers_));
    if (is_held_back(rows, guest_.id)) hold_back(rows);
    // Between unplugging and plugging in its definition lacks the NIC: nothing follows from that.
    if (guest_.is_running && is_being_swapped(rows, guest_.id)) plan_ = {};
    return plan_;
}

bool Look::has_work(const Rows& rows) const {
    return !plan_.put.empty() || !plan_.end.empty() || !plan_.wants.empty() || !stale_notes(rows).empty() ||
           std::any_of(plan_.nics.begin(), plan_.nics.end(), [](const NicView& nic) { return !nic.problem.empty(); });
}

void Look::carry_out(Rows& rows) {
    looked_ = {};
    reasons_.clear();
    for (const auto& lease : plan_.end) {
        begin_release(context_, rows, lease);
        tell("lease-ended", lease.address, "released: its NIC is gone");
    }
    put_leases(rows);
    for (const auto& want : plan_.wants) take(rows, want);
    for (const auto& nic : plan_.nics) {
        if (!nic.problem.empty()) reasons_[nic.slot] = {"", nic.problem};
    }
    keep_notes(rows);
    looked_.is_provider_work_due = !plan_.put.empty() || !plan_.end.empty() || !plan_.wants.empty();
}

void Look::complete(Rows& rows) {
    plan(rows);
    put_leases(rows);
}

void Look::write(GuestSource& source) {
    if (!plan_.edit) return;
    if (!source.write(guest_, *plan_.edit)) return;  // it changed meanwhile: that change is an event of its own
    for (const auto& change : plan_.edit->macs) {
        tell("mac-written", {}, "its definition has the MAC " + change.mac.text());
    }
}

Looked Look::take_result() {
    looked_.wrong = plan_.wrong;
    for (const auto& remark : plan_.remarks) tell("guest-held", {}, remark, Happening::Level::warning);
    return std::move(looked_);
}

/// Rule 7: a guest that was here before us is only adopted until a person says `reconcile`.
void Look::hold_back(const Rows& rows) {
    // What stays in its slot because nothing may end keeps the others from moving up.
    if (!plan_.end.empty()) {
        std::erase_if(plan_.put, [&](const Lease& lease) { return rows.leases.find(lease.address).has_value(); });
    }
    plan_.end.clear();
    plan_.wants.clear();
    plan_.wrong.clear();
    plan_.edit.reset();
}

/// Whoever had the guest may have moved its address since the last read: that one counts as one of another boot.
void Look::read_anew(Rows& rows, const std::string& provider) {
    auto status = rows.provider.status(provider);
    status.synced_boot.clear();
    rows.provider.set_status(provider, status);
}

void Look::put_leases(Rows& rows) {
    for (const auto& lease : plan_.put) {
        if (lease.is_adopted && !rows.leases.find(lease.address)) {
            tell("lease-adopted", lease.address, "adopted with its MAC " + lease.mac->text());
        }
    }
    for (const auto& lease : plan_.put) {
        const auto before = rows.leases.find(lease.address);
        const bool is_new = !before || before->stay != Stay::arriving;
        if (lease.stay == Stay::arriving && is_new) read_anew(rows, lease.provider);
    }
    // Two NICs may have changed places: neither slot is free while the other lease is in it.
    for (const auto& lease : plan_.put) rows.leases.erase(lease.address);
    for (const auto& lease : plan_.put) rows.leases.put(lease);
}

void Look::tell(std::string id, std::optional<Address> address, std::string text, Happening::Level level) {
    looked_.happenings.push_back({level, std::move(id), guest_.id, guest_.name, address, std::move(text)});
}

void Look::take(Rows& rows, const Want& want) {
    auto claimed =
        claim(context_, rows,
              {{guest_.id, guest_.name}, guest_.origin, want.slot, want.ordinal, want.pool, want.bridge, want.worn});
    if (const auto* nothing = std::get_if<NothingFree>(&claimed)) {
        reasons_[want.slot] = {want.pool, nothing->text};
        return;
    }
    const auto& lease = std::get<Lease>(claimed);
    tell("lease-claimed", lease.address, lease.mac ? "leased with the MAC " + lease.mac->text() : "leased");
}

std::vector<GuestNote> Look::stale_notes(const Rows& rows) const {
    std::vector<GuestNote> stale;
    for (auto& note : rows.guests.notes_of(guest_.id)) {
        const bool is_waiting = note.kind == NoteKind::waiting && !reasons_.contains(note.slot);
        const bool is_arrival = note.kind == NoteKind::incoming && guest_.is_running;
        const bool is_swap = note.kind == NoteKind::swapping && !guest_.is_running;
        // Once it has executed something its end is seen as every other's; before, its start may still fail.
        const bool has_begun = guest_.is_running && guest_.run && !guest_.run->is_paused;
        const bool is_claim = note.kind == NoteKind::claimed && has_begun;
        const bool is_stale = is_waiting || is_arrival || is_swap || is_claim || note.kind == NoteKind::absent;
        if (is_stale) stale.push_back(std::move(note));
    }
    return stale;
}

void Look::keep_notes(Rows& rows) {
    for (const auto& note : stale_notes(rows)) rows.guests.erase(note.kind, guest_.id, note.slot);
    const auto known = rows.guests.notes_of(guest_.id);
    for (const auto& [slot, reason] : reasons_) {
        const auto same =
            std::any_of(known.begin(), known.end(), [&, &at = slot, &why = reason](const GuestNote& note) {
                return note.kind == NoteKind::waiting && note.slot == at && note.text == why.text;
            });
        if (same) continue;
        rows.guests.put(
            {NoteKind::waiting, guest_.id, slot, guest_.name, reason.pool, reason.text, context_.clock.now()});
        tell(reason.pool.empty() ? "guest-not-served" : "pool-exhausted", {}, reason.text, Happening::Level::warning);
    }
}

}  // namespace fip
