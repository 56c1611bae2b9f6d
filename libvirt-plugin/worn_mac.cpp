#include "worn_mac.hpp"

#include <algorithm>

namespace fip::plugin {

std::string owner_of(const Rows& rows, const GuestId& guest, const Mac& worn) {
    for (const auto& lease : rows.leases.with_mac(worn)) {
        if (!is_held(lease.state)) continue;
        if (lease.guest == guest) return {};
        const auto holder = lease.guest_name.empty() ? std::string{"another guest"} : "the guest " + lease.guest_name;
        return holder + " (" + lease.address.text() + ")";
    }
    const auto registered = rows.provider.with_mac(worn);
    return registered ? registered->address.text() : std::string{};
}

std::string advice_on(const Mac& worn, const std::string& owner) {
    if (owner.empty()) return "it keeps running, and what its NIC sends is blocked: stop it and start it again";
    return "it wears the MAC " + worn.text() + " of " + owner + ", and nothing blocks what it sends: stop it now";
}

std::vector<Happening> let_out(const Context& context, const Guest& guest, const std::vector<WrongNic>& wrong) {
    std::vector<Happening> told;
    for (const auto& one : wrong) {
        const auto nic = std::ranges::find(guest.live_nics, one.nic, &Nic::index);
        const bool is_swapped = one.remedy == Remedy::swap || one.remedy == Remedy::replug;
        if (is_swapped || nic == guest.live_nics.end() || !nic->mac) continue;
        std::string owner;
        context.store.read([&](const Rows& rows) { owner = owner_of(rows, guest.id, *nic->mac); });
        if (owner.empty()) continue;
        told.push_back(
            {Happening::Level::error, "mac-of-another", guest.id, guest.name, {}, advice_on(*nic->mac, owner)});
    }
    return told;
}

}  // namespace fip::plugin
