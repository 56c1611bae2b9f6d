#include "wanted_appearance.hpp"

#include "core/pool.hpp"
#include "description.hpp"
#include "read_guest.hpp"

#include <algorithm>

namespace fip::proxmox {
namespace {

std::string state_of(const Lease& lease) {
    std::string state{name_of(lease.state)};
    if (lease.rdns == RdnsState::failed) state += ", its reverse name is refused";
    return state;
}

ShownNic shown(const Context& context, const Nic& nic, std::vector<Lease> leases) {
    std::ranges::sort(leases, {}, &Lease::ordinal);
    const auto& first = leases.front();
    ShownNic shown;
    shown.number = static_cast<int>(nic.index);
    if (first.state == LeaseState::active) shown.mac = first.mac;
    for (const auto& lease : leases) shown.addresses.push_back(lease.address);
    if (const auto traits = context.traits.find(first.provider); traits != context.traits.end()) {
        shown.gateway = traits->second.gateway;
    }
    shown.hostname = first.hostname;
    shown.state = state_of(first);
    return shown;
}

std::optional<ShownNic> waiting(const std::vector<GuestNote>& notes, const Nic& nic) {
    const auto slot = slot_of(nic);
    const auto note = std::ranges::find_if(
        notes, [&](const GuestNote& each) { return each.kind == NoteKind::waiting && each.slot == slot; });
    if (note == notes.end()) return {};
    ShownNic shown;
    shown.number = static_cast<int>(nic.index);
    shown.state = "waiting: " + note->text;
    return shown;
}

}  // namespace

std::optional<Appearance> wanted_appearance(const Context& context, const Rows& rows, const Guest& guest) {
    Appearance wanted;
    wanted.has_notes = context.settings.proxmox_notes;
    wanted.is_ours = [&rows](const Address& address) { return rows.provider.find(address).has_value(); };
    const auto leases = rows.leases.of_guest(guest.id);
    const auto notes = rows.guests.notes_of(guest.id);
    for (const auto& nic : guest.nics) {
        if (!is_managed(context.settings, nic)) continue;
        std::vector<Lease> own;
        std::ranges::copy_if(leases, std::back_inserter(own),
                             [&](const Lease& lease) { return is_held(lease.state) && lease.slot == slot_of(nic); });
        auto shown_nic = own.empty() ? waiting(notes, nic) : shown(context, nic, std::move(own));
        if (!shown_nic) return {};
        wanted.nics.push_back(*std::move(shown_nic));
    }
    return wanted;
}

bool shows_anything(const GuestConfig& config) {
    const auto tags = config.tags();
    return std::ranges::any_of(tags, is_our_tag) || config.hookscript() == snippet_volume ||
           has_our_line(config.description());
}

}  // namespace fip::proxmox
