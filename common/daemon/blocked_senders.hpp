#pragma once

#include "app/blocked.hpp"
#include "daemon/event_log.hpp"
#include "daemon/shared_guard.hpp"
#include "guard/nft_guard.hpp"
#include "guard/sender_name.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace fip::daemon {

/// Finds out, remembers and logs who sent what the guard stopped. However much comes: each port is looked up once in a
/// while, a few a second in all, and a port's first MACs are logged, the rest only counted. One thread per object.
class BlockedSenders {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Modes = std::map<std::string, GuardMode>;  ///< By uplink.

    explicit BlockedSenders(SharedGuard& guard) : lock_{guard.turns()}, kernel_{guard.writes()} {}

    /// The guard has stopped this sender for the first time, or for the first time since long ago.
    void heard(const Context& context, const Modes& modes, const guard::Sender& sender, EventLog& log);
    /// Take the kernel's counts over, and log whom nobody heard: before a daemon ran, or more at once than are told.
    /// @throws GuardError, StoreBusy, StoreError
    void take_counts(const Context& context, const Modes& modes, EventLog& log);

private:
    void tell(const BlockedSender& sender, const Modes& modes, EventLog& log);
    void name(BlockedSender& sender);
    [[nodiscard]] bool may_look_up(TimePoint now);

    ProviderLock& lock_;
    guard::NftGuard kernel_;
    struct Known {
        guard::SenderName name;
        TimePoint at;
    };
    std::map<std::string, Known> by_port_;
    std::deque<TimePoint> looked_up_;
    std::map<std::string, int> logged_;  ///< MACs said, by uplink and port.
};

}  // namespace fip::daemon
