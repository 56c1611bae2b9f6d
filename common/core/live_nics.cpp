#include "core/live_nics.hpp"

#include "core/pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace fip {
namespace {

constexpr std::chrono::milliseconds firmware_time{2000};
constexpr std::chrono::milliseconds firmware_time_with_kernel{1000};

bool wears(const Nic& nic, const Lease& lease) {
    return lease.guest && lease.mac && lease.mac == nic.mac;
}

/// A NIC that was moved to another bridge left the address behind whose MAC it still wears.
bool is_for_bridge(const Lease& lease, const std::string& bridge, const Settings& settings) {
    if (lease.bridge.empty() || lease.bridge == bridge) return true;
    const auto pool = settings.pools.find(lease.pool);
    return pool == settings.pools.end() ||
           std::ranges::find(pool->second.bridges, bridge) != pool->second.bridges.end();
}

}  // namespace

std::vector<ManagedNic> paired_nics(const Guest& guest, const Settings& settings, const std::vector<Lease>& leases) {
    std::vector<ManagedNic> paired;
    for (const auto& nic : guest.nics) {
        if (!is_managed(settings, nic)) continue;
        paired.push_back({nic, guest.is_persistent ? std::nullopt : std::optional{nic}, false, false});
        if (!guest.is_running) paired.back().live.reset();
    }
    if (!guest.is_persistent || !guest.is_running) return paired;
    std::vector<Nic> live;
    for (const auto& nic : guest.live_nics) {
        if (is_managed(settings, nic)) live.push_back(nic);
    }
    std::stable_partition(live.begin(), live.end(), [](const Nic& nic) { return !nic.is_plugged; });
    const auto pair = [&](const auto& is_same) {
        for (auto& each : paired) {
            if (each.live) continue;
            const auto found = std::find_if(live.begin(), live.end(), [&](const Nic& nic) {
                return nic.bridge == each.nic.bridge && is_same(each.nic, nic);
            });
            if (found == live.end()) continue;
            each.live = std::move(*found);
            live.erase(found);
        }
    };
    pair([](const Nic& stored, const Nic& nic) { return stored.mac && stored.mac == nic.mac; });
    // What runs with the MAC of one address is not the NIC that was defined for another.
    const auto are_two = [&](const Nic& stored, const Nic& nic) {
        return std::ranges::any_of(leases, [&](const Lease& lease) { return wears(stored, lease); }) &&
               std::ranges::any_of(leases, [&](const Lease& lease) {
                   return wears(nic, lease) && is_for_bridge(lease, nic.bridge, settings);
               });
    };
    pair([&](const Nic& stored, const Nic& nic) {
        return !stored.place.empty() && stored.place == nic.place && !are_two(stored, nic);
    });
    pair([&](const Nic& stored, const Nic& nic) { return !are_two(stored, nic); });
    for (auto& nic : live) paired.push_back({nic, nic, true, false});
    return paired;
}

Remedy remedy_for(const Guest& guest, const Nic& live, OnWrongMac mode) {
    if (mode == OnWrongMac::hold) return Remedy::hold;
    if (guest.run && live.can_unplug) {
        const auto& run = *guest.run;
        const auto limit = run.has_kernel ? firmware_time_with_kernel : firmware_time;
        if (!run.is_resumed && (run.is_paused || run.age <= limit)) return Remedy::swap;
        if (live.is_plugged) return Remedy::replug;
    }
    return mode == OnWrongMac::restart && guest.is_persistent ? Remedy::restart : Remedy::hold;
}

}  // namespace fip
