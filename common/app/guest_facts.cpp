#include "app/guest_facts.hpp"

#include <algorithm>

namespace fip {
namespace {

std::vector<Lease> leases_for(const Rows& rows, const Guest& guest) {
    std::vector<Lease> leases;
    for (auto& lease : rows.leases.of_guest(guest.id)) {
        if (is_held(lease.state)) leases.push_back(std::move(lease));
    }
    for (auto& lease : rows.leases.named(guest.name)) {
        if (!lease.guest && is_held(lease.state)) leases.push_back(std::move(lease));
    }
    return leases;
}

/// The addresses that share a MAC which the provider lists and no row of ours explains.
std::optional<WornMac> adoptable(const Context& context, const Rows& rows, const Mac& mac) {
    const auto hit = rows.provider.with_mac(mac);
    if (!hit || !rows.leases.with_mac(mac).empty()) return {};
    for (const auto& [name, settings] : context.settings.providers) {
        WornMac worn{name, {}, 1};
        for (auto& facts : rows.provider.addresses(name)) {
            if (facts.mac != mac || facts.missing > 0) continue;
            if (rows.leases.find(facts.address)) return {};
            worn.addresses.push_back(std::move(facts));
        }
        if (!worn.addresses.empty()) return worn;
    }
    return {};
}

bool has_note(const Rows& rows, const GuestId& guest, NoteKind kind) {
    const auto notes = rows.guests.notes_of(guest);
    return std::any_of(notes.begin(), notes.end(), [&](const GuestNote& note) { return note.kind == kind; });
}

Happening about(const Guest& guest, std::string id, std::optional<Address> address, std::string text) {
    return {Happening::Level::info, std::move(id), guest.id, guest.name, address, std::move(text)};
}

std::string describe(const WrongNic& nic) {
    const auto mac = nic.mac.text();
    switch (nic.remedy) {
    case Remedy::swap:
    case Remedy::replug:
        return "its running NIC " + nic.slot + " would be plugged in anew with the MAC " + mac;
    case Remedy::restart:
        return "it would be shut down and started again, so that its NIC " + nic.slot + " gets the MAC " + mac;
    case Remedy::hold:
        return "its running NIC " + nic.slot + " gets the MAC " + mac + " when it is stopped and started again";
    }
    return {};
}

}  // namespace

std::map<Mac, int> count_wearers(const Context& context, GuestSource& source, const Guest& guest) {
    std::map<Mac, int> wearers;
    context.store.read([&](const Rows& rows) {
        for (const auto& mac : unexplained_macs(guest, context.settings, leases_for(rows, guest))) {
            if (adoptable(context, rows, mac)) wearers[mac] = 0;
        }
    });
    if (wearers.empty()) return wearers;
    const auto count = [&](const Guest& other) {
        for (const auto& nic : other.nics) {
            if (nic.mac && wearers.contains(*nic.mac)) ++wearers[*nic.mac];
        }
    };
    (void)source.list(count);  // an incomplete listing only misses wearers that cannot be read
    source.list_others(count);
    for (auto& [mac, found] : wearers) found = std::max(found, 1);
    return wearers;
}

GuestFacts gather(const Context& context, const Rows& rows, const Guest& guest, const std::map<Mac, int>& wearers) {
    GuestFacts facts{guest, context.settings, context.traits, leases_for(rows, guest), {}, {}, context.clock.now()};
    for (const auto& lease : facts.leases) {
        if (auto known = rows.provider.find(lease.address)) facts.provider.emplace(lease.address, *std::move(known));
    }
    for (const auto& [mac, count] : wearers) {
        auto worn = adoptable(context, rows, mac);
        if (!worn) continue;
        worn->wearers = count;
        facts.worn.emplace(mac, *std::move(worn));
    }
    return facts;
}

bool is_held_back(const Rows& rows, const GuestId& guest) {
    return has_note(rows, guest, NoteKind::held_back);
}

bool is_being_swapped(const Rows& rows, const GuestId& guest) {
    return has_note(rows, guest, NoteKind::swapping);
}

bool has_adoptable(const Context& context, const Rows& rows, const Guest& guest) {
    const auto macs = unexplained_macs(guest, context.settings, leases_for(rows, guest));
    return std::any_of(macs.begin(), macs.end(),
                       [&](const Mac& mac) { return adoptable(context, rows, mac).has_value(); });
}

std::vector<Happening> describe(const GuestView& view) {
    const auto& guest = view.guest;
    const auto& plan = view.plan;
    std::vector<Happening> steps;
    for (const auto& lease : plan.put) {
        const auto what = lease.is_adopted ? "would be adopted with its MAC " + (lease.mac ? lease.mac->text() : "")
                                           : "its lease would be brought up to date";
        steps.push_back(about(guest, lease.is_adopted ? "lease-adopted" : "lease-updated", lease.address, what));
    }
    for (const auto& lease : plan.end) {
        steps.push_back(about(guest, "lease-ended", lease.address, "would be released: its NIC is gone"));
    }
    for (const auto& want : plan.wants) {
        const auto what = view.waiting.contains(want.slot) ? "waits for a free address" : "would get an address";
        steps.push_back(about(guest, "lease-claimed", {},
                              std::string{what} + " of the pool \"" + want.pool + "\" for NIC " + want.slot));
    }
    if (plan.edit) {
        for (const auto& change : plan.edit->macs) {
            steps.push_back(
                about(guest, "mac-written", {}, "would get the MAC " + change.mac.text() + " in its definition"));
        }
        if (plan.edit->macs.empty())
            steps.push_back(about(guest, "record-written", {}, "its record would be brought up to date"));
    }
    for (const auto& nic : plan.wrong) {
        steps.push_back(about(guest, "nic-wrong", {}, describe(nic)));
    }
    return steps;
}

}  // namespace fip
