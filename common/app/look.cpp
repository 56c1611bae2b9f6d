#include "app/look.hpp"

#include "app/claim.hpp"
#include "app/guest_facts.hpp"
#include "app/look_work.hpp"

#include <algorithm>

namespace fip {
namespace {

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

Looked guest_left(const Context& context, const GuestId& guest, const std::optional<std::set<Mac>>& took) {
    Looked looked;
    context.store.write([&](Rows& rows) {
        looked = {};
        for (auto lease : rows.leases.of_guest(guest)) {
            if (!is_held(lease.state) || lease.stay == Stay::left) continue;
            if (took && (!lease.mac || !took->contains(*lease.mac))) {
                begin_release(context, rows, lease);
                looked.is_provider_work_due = true;
                looked.happenings.push_back({Happening::Level::info, "lease-ended", guest, lease.guest_name,
                                             lease.address, "released: its guest left before it wore the MAC"});
                continue;
            }
            lease.state = LeaseState::away;
            lease.stay = Stay::left;
            rows.leases.put(lease);
            rows.guests.erase(NoteKind::claimed, guest, std::nullopt);
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
