#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/time.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip {

/// That a guest with leases was missing from a complete listing.
struct Sighting {
    GuestId guest;
    std::chrono::milliseconds boot{};
    std::string boot_id;
};

struct AbsenceFacts {
    std::vector<Lease> leases;      ///< Held ones with a guest.
    std::set<GuestId> present;      ///< Guests that the listing showed.
    std::set<std::string> origins;  ///< Origins that were listed completely.
    std::vector<Sighting> sightings;
    Now now;
    std::chrono::milliseconds grace{};
    bool is_confirmed = false;  ///< A person said `reconcile --confirm`.
};

/// Rule 5: what two complete listings, `grace` apart in one boot, prove.
struct AbsencePlan {
    std::vector<GuestId> see;     ///< First seen missing now, or the older sighting does not count.
    std::vector<GuestId> forget;  ///< Present again.
    std::vector<GuestId> end;     ///< Proved gone.
    std::vector<GuestId> held;    ///< Proved gone, but so many at once that a person must confirm.
};

[[nodiscard]] AbsencePlan plan_absence(const AbsenceFacts& facts);

}  // namespace fip
