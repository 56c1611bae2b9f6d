#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"

#include <functional>
#include <vector>

namespace fip {

/// The addresses of one NIC: same slot, by ordinal; the first has the MAC that all share.
using LeaseGroup = std::vector<Lease>;

struct Matched {
    std::vector<LeaseGroup> by_nic;     ///< One for each NIC given; empty: nothing for it.
    std::vector<LeaseGroup> unmatched;  ///< By slot.
};

struct MatchRules {
    std::function<bool(const Lease&, const Nic&)> serves;     ///< The lease is for the bridge of this NIC.
    std::function<bool(const Lease&, const Nic&)> has_moved;  ///< The NIC wears its MAC, but left it behind.
    /// The lease was made for this very NIC; empty where slots are only positions.
    std::function<bool(const Lease&, const Nic&)> is_slot_of{};
};

/// Which NIC has which leases: by MAC unless it has moved, then by slot, then the remaining ones by order; the
/// last two where the lease serves.
/// Reservations (without guest) are groups of their own and come after the guest's.
[[nodiscard]] Matched match(const std::vector<Nic>& nics, const std::vector<Lease>& leases, const MatchRules& rules);

}  // namespace fip
