#pragma once

#include "core/guard.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace fip {

/// The kernel or the nft program refused, or is not there. What was in the kernel before is still there.
class GuardError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The guard at the uplinks (DESIGN.md chapter 6): which source MACs may leave. Rules stand without any process of
/// ours.
/// @throws GuardError
class Guard {
public:
    virtual ~Guard() = default;
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    /// Bridges of these names that exist, with their ports.
    [[nodiscard]] virtual std::vector<BridgeView> bridges(const std::vector<std::string>& names) const = 0;
    /// Make exactly these rules stand: one batch, atomic for every frame; counts of blocked frames stay. Repeatable.
    /// Rules of an uplink without a device stand in the bridge table, and get their last wall with the next apply().
    virtual void apply(const GuardRules& rules) = 0;
    virtual void remove() = 0;  ///< Our tables, and nobody else's. Of nothing: no effect.
    /// What stands in the kernel, also when others changed it. Empty: nothing of ours.
    [[nodiscard]] virtual std::vector<UplinkState> state() const = 0;
    /// May frames with this source MAC leave by this uplink, by what stands in the kernel? Also yes where nothing
    /// stands.
    [[nodiscard]] virtual bool passes(const std::string& uplink, const Mac& mac) const = 0;
    [[nodiscard]] virtual std::vector<BlockedFrames> blocked() const = 0;
    virtual void forget_blocked() = 0;  ///< Begin to count anew.

protected:
    Guard() = default;
};

}  // namespace fip
