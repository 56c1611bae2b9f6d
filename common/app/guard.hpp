#pragma once

#include "app/context.hpp"
#include "core/guard_plan.hpp"
#include "ports/guard.hpp"
#include "ports/provider_lock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fip {

/// Named value in the store: not empty once a list of this provider has made its guard set.
[[nodiscard]] inline std::string guard_set_key(const std::string& provider) {
    return "guard-set:" + provider;
}

/// Everything that plan_guard() needs but what stands in the kernel. Writes nothing.
[[nodiscard]] GuardFacts guard_facts(const Context& context, const Guard& guard);

/// Whether a person took the guard down (`failover-ip guard down`): it stays down until `guard up`.
[[nodiscard]] bool is_guard_down(const LeaseStore& store);
void set_guard_down(const Context& context);  ///< It begins with what the last list shows when it comes up again.
void set_guard_up(LeaseStore& store);

/// Keeps the kernel's rules at what configuration, store and host say. One per thread.
class GuardKeeper {
public:
    /// The kernel's side; all outlive the keeper.
    GuardKeeper(Guard& guard, ProviderLock& lock) : guard_{guard}, lock_{lock} {}

    enum class Depth {
        changes,     ///< Believe that what we wrote last still stands.
        doubt,       ///< Something may have been missed: write again if it does not stand as it should.
        everything,  ///< Somebody else has changed it, or a device came or went: write again.
    };
    struct Refreshed {
        GuardPlan plan;
        bool was_down = false;     ///< A person took the guard down: nothing stands, whatever the plan says.
        bool was_changed = false;  ///< Not at Depth::changes: what stood was not what should have stood.
    };
    /// Look at everything and apply what differs. Repeatable; from any process, one at a time.
    /// @throws GuardError, StoreBusy, StoreError
    Refreshed refresh(const Context& context, Depth depth);

private:
    [[nodiscard]] std::vector<UplinkState> standing_now() const;

    Guard& guard_;
    ProviderLock& lock_;
    std::optional<GuardRules> applied_;  ///< By us, last.
};

}  // namespace fip
