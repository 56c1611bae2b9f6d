#include "core/match.hpp"

#include <algorithm>
#include <optional>

namespace fip {
namespace {

/// Slots are numbers in libvirt ("0", "10") and netN in Proxmox: shorter text is the lower number.
bool slot_before(const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

bool group_before(const LeaseGroup& a, const LeaseGroup& b) {
    const bool a_reserved = !a.front().guest;
    const bool b_reserved = !b.front().guest;
    if (a_reserved != b_reserved) return b_reserved;
    if (a.front().slot != b.front().slot) return slot_before(a.front().slot, b.front().slot);
    return a.front().address < b.front().address;
}

std::vector<LeaseGroup> grouped(const std::vector<Lease>& leases) {
    std::vector<LeaseGroup> groups;
    for (const auto& lease : leases) {
        const auto same = std::find_if(groups.begin(), groups.end(), [&](const LeaseGroup& group) {
            return lease.guest && group.front().guest && group.front().slot == lease.slot;
        });
        if (same == groups.end()) {
            groups.push_back({lease});
        } else {
            same->push_back(lease);
        }
    }
    for (auto& group : groups) {
        std::sort(group.begin(), group.end(), [](const Lease& a, const Lease& b) {
            return a.ordinal != b.ordinal ? a.ordinal < b.ordinal : a.address < b.address;
        });
    }
    std::sort(groups.begin(), groups.end(), group_before);
    return groups;
}

bool wears(const Nic& nic, const LeaseGroup& group) {
    return nic.mac && std::any_of(group.begin(), group.end(), [&](const Lease& lease) { return lease.mac == nic.mac; });
}

}  // namespace

Matched match(const std::vector<Nic>& nics, const std::vector<Lease>& leases, const MatchRules& rules) {
    auto groups = grouped(leases);
    Matched matched;
    matched.by_nic.resize(nics.size());
    const auto take = [&](std::size_t nic, std::vector<LeaseGroup>::iterator group) {
        matched.by_nic[nic] = std::move(*group);
        groups.erase(group);
    };
    for (std::size_t i = 0; i < nics.size(); ++i) {
        const auto worn = std::find_if(groups.begin(), groups.end(), [&](const LeaseGroup& group) {
            return wears(nics[i], group) && !rules.has_moved(group.front(), nics[i]);
        });
        if (worn != groups.end()) take(i, worn);
    }
    const auto take_serving = [&](const auto& is_fit) {
        for (std::size_t i = 0; i < nics.size() && !groups.empty(); ++i) {
            if (!matched.by_nic[i].empty()) continue;
            const auto fitting = std::find_if(groups.begin(), groups.end(), [&](const LeaseGroup& group) {
                return rules.serves(group.front(), nics[i]) && is_fit(group.front(), nics[i]);
            });
            if (fitting != groups.end()) take(i, fitting);
        }
    };
    if (rules.is_slot_of) take_serving(rules.is_slot_of);
    take_serving([](const Lease&, const Nic&) { return true; });
    matched.unmatched = std::move(groups);
    return matched;
}

}  // namespace fip
