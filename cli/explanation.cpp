#include "explanation.hpp"

#include "app/blocked.hpp"
#include "guard/nft_guard.hpp"
#include "guard_view.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace fip::cli {
namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

using Key = std::pair<std::string, std::string>;  // kind and id; a reservation has neither

void add_leases(Workplace& workplace, const std::string& wanted, std::map<Key, Explanation>& found) {
    workplace.context(Mode::dry_run).store.read([&](const Rows& rows) {
        std::vector<Lease> leases = rows.leases.named(wanted);
        for (const auto& lease : rows.leases.of_guest({GuestKind::libvirt, lower(wanted)})) leases.push_back(lease);
        for (const auto& [key, explanation] : found) {
            if (key.first != name_of(GuestKind::libvirt)) continue;
            for (const auto& lease : rows.leases.of_guest({GuestKind::libvirt, key.second})) leases.push_back(lease);
        }
        std::ranges::sort(leases, {}, &Lease::address);
        // Not ranges::unique: what it returns clang 14 cannot read.
        const auto is_same = [](const Lease& one, const Lease& other) { return one.address == other.address; };
        leases.erase(std::unique(leases.begin(), leases.end(), is_same), leases.end());
        for (const auto& lease : leases) {
            if (is_stock(lease.state)) continue;
            const auto key = lease.guest ? Key{std::string{name_of(lease.guest->kind)}, lease.guest->value} : Key{};
            auto& explanation = found[key];
            explanation.kind = key.first;
            explanation.id = key.second;
            if (explanation.name.empty()) explanation.name = lease.guest_name;
            explanation.leases.push_back(view_of(workplace, rows, lease));
        }
        for (auto& [key, explanation] : found) {
            if (!key.first.empty()) explanation.notes = rows.guests.notes_of({guest_kind(key.first), key.second});
        }
    });
}

std::vector<GuestNetwork> network_of(const std::vector<LeaseView>& leases) {
    std::map<std::string, GuestNetwork> by_slot;
    auto sorted = leases;
    std::ranges::sort(sorted, {}, [](const LeaseView& view) { return std::pair{view.lease.slot, view.lease.ordinal}; });
    for (const auto& view : sorted) {
        if (!is_held(view.lease.state)) continue;
        auto& nic = by_slot[view.lease.slot];
        if (view.lease.mac) nic.mac = view.lease.mac;
        if (view.gateway) nic.gateway = view.gateway;
        nic.addresses.push_back(view.lease.address);
    }
    std::vector<GuestNetwork> result;
    for (auto& [slot, nic] : by_slot) {
        if (nic.mac) result.push_back(std::move(nic));  // without its MAC nobody can tell which device it is
    }
    return result;
}

std::vector<BlockedSender> blocked_senders(Workplace& workplace) {
    try {
        return view_blocked(workplace.context(Mode::dry_run), guard::NftGuard{}, name_blocked);
    } catch (const GuardError&) {
        return {};  // no guard here; `guard status` says why
    }
}

}  // namespace

std::vector<Explanation> explain(Workplace& workplace, const GuestsOfHost& host, const std::string& guest) {
    std::map<Key, Explanation> found;
    for (const auto& seen : host.guests) {
        if (seen.name != guest && seen.id != lower(guest)) continue;
        auto& explanation = found[{seen.kind, seen.id}];
        explanation.kind = seen.kind;
        explanation.id = seen.id;
        explanation.name = seen.name;
        explanation.seen = seen;
        for (const auto& step : host.steps) {
            if (step.guest == seen.id) explanation.steps.push_back(step.text);
        }
    }
    if (workplace.has_store()) add_leases(workplace, guest, found);
    std::vector<Explanation> result;
    const auto blocked = workplace.has_store() ? blocked_senders(workplace) : std::vector<BlockedSender>{};
    for (auto& [key, explanation] : found) {
        for (const auto& sender : blocked) {
            const bool is_guest = sender.kind == "guest" || sender.kind == "container";
            if (is_guest && sender.name == explanation.name) explanation.blocked.push_back(sender);
        }
        explanation.gaps = host.gaps;
        explanation.network = network_of(explanation.leases);
        result.push_back(std::move(explanation));
    }
    return result;
}

}  // namespace fip::cli
