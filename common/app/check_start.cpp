#include "app/check_start.hpp"

#include "core/pool.hpp"

namespace fip {
namespace {

MacFacts mac_facts(const Context& context, const Rows& rows, const Mac& mac) {
    MacFacts facts;
    facts.leases = rows.leases.with_mac(mac);
    facts.provider = rows.provider.with_mac(mac);
    if (facts.provider) {
        for (const auto& [name, provider] : context.settings.providers) {
            const bool is_owner = pool_of(context.settings, name, facts.provider->address) != nullptr;
            const bool is_here = facts.provider->server == provider.server;
            if (is_here || (is_owner && facts.provider_server.empty())) facts.provider_server = provider.server;
            if (is_here) break;
        }
    }
    return facts;
}

/// `restore` or `migrate` is followed by `prepare` at once; an old announcement belongs to a start that never came.
bool is_recent(const Now& at, const Now& now) {
    return at.boot_id == now.boot_id && now.boot - at.boot < std::chrono::minutes{2};
}

}  // namespace

StartVerdict check_start(const Context& context, const Guest& guest, const StartManner& manner) {
    StartFacts facts{guest, context.settings, {}, {}, {}, {}, false, manner};
    context.store.read([&](const Rows& rows) {
        facts.leases = rows.leases.of_guest(guest.id);
        for (const auto& lease : rows.leases.named(guest.name)) {
            if (!lease.guest) facts.leases.push_back(lease);
        }
        for (const auto& nic : guest.nics) {
            if (nic.mac && is_managed(context.settings, nic)) facts.macs[*nic.mac] = mac_facts(context, rows, *nic.mac);
        }
        for (const auto& note : rows.guests.notes_of(guest.id)) {
            if (note.kind == NoteKind::waiting) facts.waiting = note.text;
            if (note.kind == NoteKind::incoming && is_recent(note.at, context.clock.now())) facts.operation = note.text;
            if (note.kind == NoteKind::held_back) facts.is_held_back = true;
        }
    });
    return may_start(facts);
}

void note_incoming(const Context& context, const GuestId& guest, const std::string& operation) {
    context.store.write([&](Rows& rows) {
        rows.guests.erase(NoteKind::incoming, guest, std::nullopt);  // put() would keep the old time
        rows.guests.put({NoteKind::incoming, guest, "", "", "", operation, context.clock.now()});
    });
}

void forget_incoming(const Context& context, const GuestId& guest) {
    bool is_noted = false;
    context.store.read([&](const Rows& rows) {
        for (const auto& note : rows.guests.notes_of(guest)) is_noted = is_noted || note.kind == NoteKind::incoming;
    });
    if (!is_noted) return;
    context.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::incoming, guest, std::nullopt); });
}

}  // namespace fip
