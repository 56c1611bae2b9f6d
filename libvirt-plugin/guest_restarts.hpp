#pragma once

#include "app/context.hpp"
#include "core/guest_plan.hpp"
#include "daemon/event_log.hpp"
#include "live_guest.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fip::plugin {

/// Stops guests whose NIC cannot be put right while they run, and starts them again: `on_wrong_mac = "restart"`. The
/// guests' worker's thread only, and as NicSwaps it does not wait.
class GuestRestarts {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    GuestRestarts(std::vector<std::unique_ptr<Connection>>& connections, std::function<Context()> context,
                  daemon::EventLog& log)
        : connections_{connections}, context_{std::move(context)}, log_{log} {}

    /// Of a guest that is asked already, or was asked in this run: no effect.
    void begin(const Guest& guest, const std::vector<WrongNic>& wrong);
    void stopped(const std::string& uuid);  ///< It does not run any more: starts it, if it is one of ours.
    void recover();                         ///< Go on with what the store says was begun.

    void forget() { restarts_.clear(); }  ///< Nobody listens to libvirt: recover() goes on when somebody does.

    [[nodiscard]] TimePoint next_time() const;
    void tick();  ///< Say who does not react.

private:
    enum class Way { shutdown, destroy };
    struct Restart {
        GuestId guest;
        std::string name;
        Way way = Way::shutdown;
        int run = -1;
        TimePoint due = TimePoint::max();
    };

    [[nodiscard]] static std::string text_of(const Restart& restart);
    [[nodiscard]] static bool read(const std::string& text, Restart& restart);
    void stop(Restart& restart, const LiveGuest& guest);
    void start(const Restart& restart, const LiveGuest& guest);
    void end(const GuestId& guest);
    void recover_one(Restart restart);
    void tell(const Restart& restart, Happening::Level level, const std::string& id, const std::string& text);

    std::vector<std::unique_ptr<Connection>>& connections_;
    std::function<Context()> context_;
    daemon::EventLog& log_;
    std::map<std::string, Restart> restarts_;  // by uuid
    std::map<std::string, TimePoint> begun_;   // by uuid: when a guest was last restarted
};

}  // namespace fip::plugin
