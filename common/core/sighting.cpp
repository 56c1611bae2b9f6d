#include "core/sighting.hpp"

#include <algorithm>

namespace fip {

AbsencePlan plan_absence(const AbsenceFacts& facts) {
    AbsencePlan plan;
    for (const auto& sighting : facts.sightings) {
        if (facts.present.contains(sighting.guest)) plan.forget.push_back(sighting.guest);
    }

    std::set<GuestId> absent;
    std::size_t spoken_for = 0;  // what another hypervisor's guests hold must not make many look like few
    for (const auto& lease : facts.leases) {
        if (!lease.guest || !facts.origins.contains(lease.origin)) continue;
        ++spoken_for;
        if (!facts.present.contains(*lease.guest)) absent.insert(*lease.guest);
    }
    std::size_t ending = 0;
    for (const auto& guest : absent) {
        const auto first = std::find_if(facts.sightings.begin(), facts.sightings.end(),
                                        [&](const Sighting& sighting) { return sighting.guest == guest; });
        const bool counts = first != facts.sightings.end() && first->boot_id == facts.now.boot_id;
        if (!counts) {
            plan.see.push_back(guest);
        } else if (facts.now.boot - first->boot >= facts.grace) {
            plan.end.push_back(guest);
            ending += static_cast<std::size_t>(std::count_if(facts.leases.begin(), facts.leases.end(),
                                                             [&](const Lease& lease) { return lease.guest == guest; }));
        }
    }
    const bool is_mass = ending > 2 && ending * 2 > spoken_for;
    if (is_mass && !facts.is_confirmed) plan.held.swap(plan.end);
    return plan;
}

}  // namespace fip
