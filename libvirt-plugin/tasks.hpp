#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

namespace fip::daemon {
struct Setup;
}

namespace fip::plugin {

/// Something for the guests' worker to do.
struct Task {
    enum class Kind {
        started,     ///< A guest runs: goes before everything else.
        removed,     ///< A device of a running guest has gone: before everything but starts.
        resumed,     ///< A guest runs on after a pause.
        look,        ///< At one guest.
        changed,     ///< At the guest of that name: its definition was written.
        maybe_gone,  ///< Undefined or stopped: ended if its driver does not know it any more.
        left,        ///< Migrated away.
        compare,     ///< Everything.
        waiting,     ///< An address may have become free.
        claimed,     ///< A hook is about to claim for a start: see later whether it came about.
        lost,        ///< The connection's other end has gone.
        reload,      ///< Go on with another configuration.
    };
    Kind kind = Kind::look;
    std::string uuid{};            ///< changed: the name.
    std::string uri{};             ///< Of the connection that the event came from.
    std::uint64_t connection = 0;  ///< Connection::number() then: evidence does not outlive its connection.
    std::shared_ptr<const daemon::Setup> setup{};   ///< reload only.
    std::string device{};                           ///< removed: its alias.
    std::chrono::steady_clock::time_point heard{};  ///< started, resumed.
    bool is_continued = false;                      ///< started: not by booting.
    [[nodiscard]] bool is_urgent() const { return kind == Kind::started || kind == Kind::removed; }
};

/// What the guests' worker has to do: what is urgent first, else in the order in which it was heard. Nothing overtakes
/// what was heard about the end of the same guest. Any thread may push.
class Tasks {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// A look that is queued already is not queued twice, unless something else about that guest came in between.
    void push(Task task);
    void push_front(Task task);  ///< Again, before everything else.
    void stop();

    /// Empty: nothing came until `deadline`, or stopped.
    [[nodiscard]] std::optional<Task> pop(TimePoint deadline);
    /// Only what is urgent, and without waiting.
    [[nodiscard]] std::optional<Task> pop_urgent();
    [[nodiscard]] bool is_stopped() const;
    /// Wait, for stop() only. False: stopped.
    [[nodiscard]] bool pause(std::chrono::milliseconds time);

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    [[nodiscard]] std::deque<Task>& queue_for(const Task& task);

    std::deque<Task> urgent_;
    std::deque<Task> tasks_;
    std::unordered_set<std::string> looks_;  // guests whose last queued task is a look
    bool has_compare_ = false;
    bool has_waiting_ = false;
    bool is_stopped_ = false;
};

}  // namespace fip::plugin
