#include "explanation.hpp"

#include "app/blocked.hpp"
#include "daemon/shown_id.hpp"
#include "guard/nft_guard.hpp"
#include "guard_view.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <utility>

namespace fip::cli {
namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

using Found = std::map<std::optional<GuestId>, Explanation>;  // a reservation has no id

std::vector<Lease> leases_of_vmid(const Rows& rows, const std::string& vmid) {
    std::vector<Lease> leases;
    if (vmid.find_first_not_of("0123456789") != std::string::npos) return leases;
    for (const auto& lease : rows.leases.all("")) {
        const bool is_it =
            lease.guest && lease.guest->kind == GuestKind::proxmox && daemon::shown_id(*lease.guest) == vmid;
        if (is_it) leases.push_back(lease);
    }
    return leases;
}

void add_leases(Workplace& workplace, const std::string& wanted, Found& found) {
    workplace.context(Mode::dry_run).store.read([&](const Rows& rows) {
        std::vector<Lease> leases = rows.leases.named(wanted);
        for (const auto& lease : rows.leases.of_guest({GuestKind::libvirt, lower(wanted)})) leases.push_back(lease);
        for (const auto& lease : leases_of_vmid(rows, wanted)) leases.push_back(lease);
        for (const auto& [id, explanation] : found) {
            for (const auto& lease : rows.leases.of_guest(*id)) leases.push_back(lease);
        }
        std::ranges::sort(leases, {}, &Lease::address);
        // Not ranges::unique: what it returns clang 14 cannot read.
        const auto is_same = [](const Lease& one, const Lease& other) { return one.address == other.address; };
        leases.erase(std::unique(leases.begin(), leases.end(), is_same), leases.end());
        for (const auto& lease : leases) {
            if (is_stock(lease.state)) continue;
            auto& explanation = found[lease.guest];
            explanation.id = lease.guest;
            if (explanation.name.empty()) explanation.name = lease.guest_name;
            explanation.leases.push_back(view_of(workplace, rows, lease));
        }
        for (auto& [id, explanation] : found) {
            if (id) explanation.notes = rows.guests.notes_of(*id);
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
    Found found;
    for (const auto& seen : host.guests) {
        if (seen.name != guest && daemon::shown_id(seen.id) != lower(guest)) continue;
        auto& explanation = found[seen.id];
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
    for (auto& [id, explanation] : found) {
        for (const auto& sender : blocked) {
            const bool is_guest = sender.kind == "guest" || sender.kind == "container";
            const bool is_it = sender.name == explanation.name || (id && sender.name == daemon::shown_id(*id));
            if (is_guest && is_it) explanation.blocked.push_back(sender);
        }
        std::ranges::copy_if(host.gaps, std::back_inserter(explanation.gaps),
                             [&, &whose = id](const GapOfHost& gap) { return !whose || gap.kind == whose->kind; });
        explanation.network = network_of(explanation.leases);
        result.push_back(std::move(explanation));
    }
    return result;
}

}  // namespace fip::cli
