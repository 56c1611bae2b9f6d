#pragma once

#include "daemon/setup.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace fip::daemon {

/// What a daemon does for the guests of its kind, in a thread of its own. All but run() may be called from any thread
/// and only notes what is to be done: none waits.
class GuestWatcher {
public:
    virtual ~GuestWatcher() = default;
    GuestWatcher(const GuestWatcher&) = delete;
    GuestWatcher& operator=(const GuestWatcher&) = delete;

    virtual void run() = 0;  ///< Until stop(). What it throws ends the daemon.
    virtual void stop() = 0;
    virtual void use(std::shared_ptr<const Setup> setup) = 0;  ///< Go on with another configuration.

    /// At one guest, soon. False: that is no id of a guest of this kind.
    [[nodiscard]] virtual bool look(std::string_view id) = 0;
    virtual void look_at_waiting() = 0;  ///< An address may have become free.
    virtual void compare() = 0;          ///< Everything.
    /// A hook is at work for a start, and may claim for it: see to this guest at once, or later whether the start came
    /// about. "": the hook did not say who it is. False: that is no id of a guest of this kind.
    [[nodiscard]] virtual bool announce_start(std::string_view id) = 0;

    /// When the work at hand was begun; the clock's epoch: idle. For the watchdog.
    [[nodiscard]] virtual std::chrono::steady_clock::time_point busy_since() const = 0;
    /// How long the work at hand may take to its end after stop(); what takes longer is left as it is.
    [[nodiscard]] virtual std::chrono::milliseconds longest_stop() const { return std::chrono::milliseconds{1500}; }
    [[nodiscard]] virtual std::string status() const = 0;  ///< "watching 2 libvirt driver(s)"; asked before run().

protected:
    GuestWatcher() = default;
};

}  // namespace fip::daemon
