#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace fip::daemon {

/// Wakes everybody who waits at it. A ring while nobody waits is not lost: each waiter remembers the last it has heard.
class Bell {
public:
    void ring() {
        {
            const std::lock_guard lock{mutex_};
            ++rings_;
        }
        rung_.notify_all();
    }

    /// Until it rings, or until `deadline`. `heard` is the waiter's own; true: it rang since then.
    [[nodiscard]] bool wait(std::uint64_t& heard, std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock{mutex_};
        const bool rang = rung_.wait_until(lock, deadline, [&] { return rings_ != heard; });
        heard = rings_;
        return rang;
    }

private:
    std::mutex mutex_;
    std::condition_variable rung_;
    std::uint64_t rings_ = 0;
};

}  // namespace fip::daemon
