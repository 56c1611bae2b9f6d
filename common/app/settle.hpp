#pragma once

#include "app/inventory.hpp"
#include "ports/provider_lock.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fip {

struct Settled {
    std::vector<Happening> happenings;
    std::vector<GuestId> guests;   ///< Their leases changed: look at them.
    bool may_have_freed = false;   ///< An address may have become free: look at the waiting guests.
    std::optional<WallTime> next;  ///< When there is something to do again, beside the interval; empty: nothing known.
    bool is_unavailable = false;   ///< The provider gave no verdict, or we are backing off; `problem` says why.
    bool is_refused = false;       ///< Account or server are wrong: a person must act.
    std::string problem;
};

enum class Sync {
    when_due,      ///< Read the provider where the last read is too old.
    after_change,  ///< The same, but token and configuration may be new: what was refused with the old ones is no
                   ///< reason.
    always,        ///< Read in any case, as after_change.
};

/// Bring provider and store together for one provider: confirm by reading, route, issue and revoke MACs, set and reset
/// reverse names, keep warm stock, end quarantines. Holds the provider's lock while it works. Killed anywhere and run
/// again it ends in the same state. `limit` bounds each single call; `is_stopped` is asked between calls.
/// @throws StoreBusy, StoreError
[[nodiscard]] Settled settle(const Context& context, const ProviderAccess& provider, ProviderLock& lock, Sync sync,
                             std::chrono::milliseconds limit, const std::function<bool()>& is_stopped);

/// The steps that settle() would take now, for people; nothing is written or asked.
[[nodiscard]] std::vector<Happening> planned_provider_steps(const Context& context, const std::string& provider);

}  // namespace fip
