#pragma once

#include "app/look.hpp"
#include "daemon/event_log.hpp"
#include "daemon/setup.hpp"
#include "definition_watch.hpp"
#include "event_loop.hpp"
#include "guest_restarts.hpp"
#include "libvirt_guests.hpp"
#include "nic_swaps.hpp"
#include "starts.hpp"
#include "tasks.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fip::plugin {

/// The thread that looks at guests: it works off the tasks, compares everything once per interval, and keeps the
/// connections to libvirt up. It is the only one that calls libvirt, apart from the event loop.
class GuestWorker {
public:
    /// `leases_changed` as daemon::MakeGuestWatcher has it.
    GuestWorker(const std::shared_ptr<const daemon::Setup>& setup, Tasks& tasks, std::function<void()> leases_changed);

    void run();  ///< Until the tasks are stopped.

    /// When the task at hand was begun; the clock's epoch: idle. For the watchdog; any thread.
    [[nodiscard]] std::chrono::steady_clock::time_point busy_since() const { return busy_since_.load(); }

private:
    using TimePoint = std::chrono::steady_clock::time_point;
    struct Link {
        std::unique_ptr<Subscription> subscription;
        std::unique_ptr<DefinitionWatch> definitions;
        std::unique_ptr<DefinitionWatch> running;
        TimePoint try_at{};  ///< While not connected.
        std::chrono::milliseconds pause{0};
    };

    void use(const std::shared_ptr<const daemon::Setup>& setup);
    void connect_what_is_due();
    void connect(Connection& connection, Link& link);
    void note_who_was_here();
    void go_on_with_the_begun();
    void disconnect(Connection& connection, const std::string& why);
    void drop_dead_connections();
    [[nodiscard]] TimePoint next_time() const;

    void handle_and_retry(const Task& task);
    void handle(const Task& task);
    void handle_urgent();  ///< Between two guests of something long.
    void tick();           ///< What swaps and restarts wait for.
    void look(const std::string& uuid);
    void look_by_name(const Task& task);
    void look_at_waiting();
    void look_at_claims();
    void look_at_guest(const Guest& guest);
    void started(const Task& task);
    void removed(const Task& task);
    void stopped(const Task& task);
    void settle_doubt(const Task& task);  ///< maybe_gone
    void compare();
    void take_note(const Looked& looked);
    [[nodiscard]] Connection* connection(const std::string& uri);

    Tasks& tasks_;
    std::function<void()> leases_changed_;
    daemon::EventLog log_;
    std::unique_ptr<daemon::Workplace> place_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::map<std::string, Link> links_;  // by URI; goes before the connections
    Starts starts_;
    LibvirtGuests guests_{connections_, starts_};
    NicSwaps swaps_;
    GuestRestarts restarts_;
    TimePoint compare_at_{};
    TimePoint claims_at_ = TimePoint::max();  ///< When claims of starts are looked through.
    /// At the start the providers' first read comes first (it pushes a comparison): what a person set up by hand while
    /// nobody watched is then adopted, and not given another address.
    TimePoint not_before_;
    int tries_ = 0;
    std::atomic<TimePoint> busy_since_{TimePoint{}};
};

}  // namespace fip::plugin
