#include "app/look.hpp"

#include "app/claim.hpp"
#include "app/guest_facts.hpp"
#include "core/errors.hpp"
#include "core/hostname.hpp"

#include <algorithm>
#include <map>

namespace fip {
namespace {

/// One look at one guest: what is planned is carried out in the store first, then in the guest.
class Look {
public:
    Look(const Context& context, const Guest& guest, std::map<Mac, int> wearers)
        : context_{context}, guest_{guest}, wearers_{std::move(wearers)} {}

    /// Plan again on what the store says now.
    const GuestPlan& plan(const Rows& rows) {
        plan_ = plan_guest(gather(context_, rows, guest_, wearers_));
        is_held_back_ = is_held_back(rows, guest_.id);
        if (is_held_back_) hold_back(rows);
        return plan_;
    }

    [[nodiscard]] bool has_work(const Rows& rows) const {
        return !plan_.put.empty() || !plan_.end.empty() || !plan_.wants.empty() || !stale_notes(rows).empty() ||
               std::any_of(plan_.nics.begin(), plan_.nics.end(),
                           [](const NicView& nic) { return !nic.problem.empty(); });
    }

    void carry_out(Rows& rows) {
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

    /// What was claimed has its name wished for; only the definition is left then.
    void complete(Rows& rows) {
        plan(rows);
        put_leases(rows);
    }

    void write(GuestSource& source) {
        if (!plan_.edit) return;
        if (!source.write(guest_, *plan_.edit)) return;  // it changed meanwhile: that change is an event of its own
        for (const auto& change : plan_.edit->macs)
            tell("mac-written", {}, "its definition has the MAC " + change.mac.text());
    }

    Looked take_result() { return std::move(looked_); }

private:
    /// Rule 7: a guest that was here before us is only adopted until a person says `reconcile`.
    void hold_back(const Rows& rows) {
        // What stays in its slot because nothing may end keeps the others from moving up.
        if (!plan_.end.empty()) {
            std::erase_if(plan_.put, [&](const Lease& lease) { return rows.leases.find(lease.address).has_value(); });
        }
        plan_.end.clear();
        plan_.wants.clear();
        plan_.edit.reset();
    }

    void put_leases(Rows& rows) {
        for (const auto& lease : plan_.put) {
            if (lease.is_adopted && !rows.leases.find(lease.address)) {
                tell("lease-adopted", lease.address, "adopted with its MAC " + lease.mac->text());
            }
        }
        // Two NICs may have changed places: neither slot is free while the other lease is in it.
        for (const auto& lease : plan_.put) rows.leases.erase(lease.address);
        for (const auto& lease : plan_.put) rows.leases.put(lease);
    }

    void tell(std::string id, std::optional<Address> address, std::string text,
              Happening::Level level = Happening::Level::info) {
        looked_.happenings.push_back(
            {level, std::move(id), guest_.id, guest_.name, std::move(address), std::move(text)});
    }

    void take(Rows& rows, const Want& want) {
        auto claimed = claim(context_, rows,
                             {{guest_.id, guest_.name}, guest_.origin, want.slot, want.ordinal, want.pool, want.worn});
        if (const auto* nothing = std::get_if<NothingFree>(&claimed)) {
            reasons_[want.slot] = {want.pool, nothing->text};
            return;
        }
        const auto& lease = std::get<Lease>(claimed);
        tell("lease-claimed", lease.address, lease.mac ? "leased with the MAC " + lease.mac->text() : "leased");
    }

    struct Reason {
        std::string pool;
        std::string text;
    };

    [[nodiscard]] std::vector<GuestNote> stale_notes(const Rows& rows) const {
        std::vector<GuestNote> stale;
        for (auto& note : rows.guests.notes_of(guest_.id)) {
            const bool is_waiting = note.kind == NoteKind::waiting && !reasons_.contains(note.slot);
            const bool is_arrival = note.kind == NoteKind::incoming && guest_.is_running;
            if (is_waiting || is_arrival || note.kind == NoteKind::absent) stale.push_back(std::move(note));
        }
        return stale;
    }

    void keep_notes(Rows& rows) {
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
            tell(reason.pool.empty() ? "guest-not-served" : "pool-exhausted", {}, reason.text,
                 Happening::Level::warning);
        }
    }

    const Context& context_;
    const Guest& guest_;
    std::map<Mac, int> wearers_;
    GuestPlan plan_;
    bool is_held_back_ = false;
    std::map<std::string, Reason> reasons_;  ///< By slot: why it is not served.
    Looked looked_;
};

void erase_notes(Rows& rows, const GuestId& guest) {
    for (const auto& note : rows.guests.notes_of(guest)) rows.guests.erase(note.kind, guest, note.slot);
}

}  // namespace

Looked look_at(const Context& context, GuestSource& source, const Guest& guest) {
    Look look{context, guest, count_wearers(context, source, guest)};
    bool has_work = false;
    context.store.read([&](const Rows& rows) {
        look.plan(rows);
        has_work = look.has_work(rows);
    });
    if (has_work) {
        context.store.write([&](Rows& rows) {
            look.plan(rows);
            look.carry_out(rows);
            look.complete(rows);
        });
    }
    look.write(source);
    return look.take_result();
}

Looked guest_ended(const Context& context, const GuestId& guest) {
    Looked looked;
    context.store.write([&](Rows& rows) {
        looked = {};
        for (const auto& lease : rows.leases.of_guest(guest)) {
            if (!is_held(lease.state)) continue;
            begin_release(context, rows, lease);
            looked.is_provider_work_due = true;
            looked.happenings.push_back({Happening::Level::info, "lease-ended", guest, lease.guest_name, lease.address,
                                         "released: the guest is gone"});
        }
        erase_notes(rows, guest);
    });
    return looked;
}

Looked guest_left(const Context& context, const GuestId& guest) {
    Looked looked;
    context.store.write([&](Rows& rows) {
        looked = {};
        for (auto lease : rows.leases.of_guest(guest)) {
            if (!is_held(lease.state) || lease.stay == Stay::left) continue;
            lease.state = LeaseState::away;
            lease.stay = Stay::left;
            rows.leases.put(lease);
            looked.happenings.push_back({Happening::Level::info, "guest-left", guest, lease.guest_name, lease.address,
                                         "its guest migrated away; nothing is released"});
        }
    });
    return looked;
}

std::vector<GuestId> waiting_guests(const Context& context) {
    std::vector<GuestId> guests;
    context.store.read([&](const Rows& rows) {
        for (const auto& note : rows.guests.notes(NoteKind::waiting)) {
            if (std::find(guests.begin(), guests.end(), note.guest) == guests.end()) guests.push_back(note.guest);
        }
    });
    return guests;
}

}  // namespace fip
