#pragma once

#include "app/context.hpp"
#include "app/look.hpp"
#include "core/guest_plan.hpp"
#include "ports/guest_source.hpp"

#include <map>
#include <vector>

namespace fip {

/// How many NICs of all guests wear each of the guest's MACs that could be adopted; empty for most guests.
/// Lists all guests when there is one: never called inside a transaction.
[[nodiscard]] std::map<Mac, int> count_wearers(const Context& context, GuestSource& source, const Guest& guest);

/// Everything that plan_guest() needs, from one view of the store.
[[nodiscard]] GuestFacts gather(const Context& context, const Rows& rows, const Guest& guest,
                                const std::map<Mac, int>& wearers);

[[nodiscard]] bool is_held_back(const Rows& rows, const GuestId& guest);

/// A NIC of the running guest is being unplugged and plugged in again.
[[nodiscard]] bool is_being_swapped(const Rows& rows, const GuestId& guest);

/// Whether a MAC of the guest waits to be adopted: only the daemon, which sees all guests, may decide that.
[[nodiscard]] bool has_adoptable(const Context& context, const Rows& rows, const Guest& guest);

/// What the plan would do, for people.
[[nodiscard]] std::vector<Happening> describe(const GuestView& view);

}  // namespace fip
