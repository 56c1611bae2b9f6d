#pragma once

#include "daemon/blocked_senders.hpp"
#include "daemon/event_log.hpp"
#include "daemon/setup.hpp"
#include "daemon/shared_guard.hpp"
#include "daemon/worker.hpp"
#include "guard/guard_event.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace fip::guard {
class GuardWatch;
}

namespace fip::daemon {

/// The thread that keeps the guard up: brings it up first of all, puts back what others changed, follows devices that
/// come and go, and tells who was stopped. Of several in one network namespace one hears of blocked frames, and another
/// one soon after it has gone; all of them put the rules back, which ends as soon as they stand.
class GuardWorker {
public:
    GuardWorker(std::shared_ptr<const Setup> setup, SharedGuard& guard, std::function<void(std::exception_ptr)> failed);
    ~GuardWorker();
    GuardWorker(const GuardWorker&) = delete;
    GuardWorker& operator=(const GuardWorker&) = delete;

    void use(std::shared_ptr<const Setup> setup);  ///< Any thread.
    void stop() noexcept;                          ///< Any thread.
    [[nodiscard]] bool has_ended(std::chrono::steady_clock::time_point deadline) const {
        return worker_.has_ended(deadline);
    }

private:
    struct Heard;
    void run();
    void work(Workplace& place);
    [[nodiscard]] static std::unique_ptr<guard::GuardWatch> listening();
    [[nodiscard]] std::shared_ptr<const Setup> current_setup() const;
    void wake() const noexcept;
    void refresh(const Context& context, Heard heard);
    void leave_to_neighbours(Heard& heard) const;
    void tell(const GuardKeeper::Refreshed& done, const Heard& heard);
    [[nodiscard]] bool have_rules_changed() const;
    void guarded(const std::function<void()>& statistics);
    void count(const Context& context);
    void take(const guard::GuardEvent& event, Heard& heard) const;

    mutable std::mutex mutex_;
    std::shared_ptr<const Setup> setup_;
    SharedGuard& guard_;
    EventLog log_;
    BlockedSenders senders_;
    std::map<std::string, GuardMode> uplinks_;  ///< That we guard.
    std::map<std::string, std::string> told_;   ///< By bridge: how it is with its guard.
    std::chrono::steady_clock::time_point trust_until_{};
    bool is_look_owed_ = false;                 ///< At the end of that trust.
    std::uint32_t repaired_ = 0;                ///< The number of the rules after the last repair.
    std::optional<std::uint32_t> looked_at_{};  ///< The number of the rules that were there at the last thorough look.
    std::atomic<bool> is_stopped_{false};
    int wake_ = -1;
    Worker worker_;  // last: it uses all of the above
};

}  // namespace fip::daemon
