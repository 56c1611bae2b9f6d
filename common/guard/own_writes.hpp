#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>

namespace fip::guard {

/// Which changes of the rules are ours: the process ids of the last programs that wrote for us. Threads may share it.
class OwnWrites {
public:
    /// Fork, and know the child before anybody can hear of what it does.
    pid_t start(const std::function<pid_t()>& fork) {
        const std::lock_guard lock{mutex_};
        const auto pid = fork();
        if (pid > 0) {
            pids_[next_] = pid;
            next_ = (next_ + 1) % pids_.size();
        }
        return pid;
    }

    [[nodiscard]] bool wrote(pid_t pid) const {
        const std::lock_guard lock{mutex_};
        for (const auto known : pids_) {
            if (known == pid && pid > 0) return true;
        }
        return false;
    }

private:
    mutable std::mutex mutex_;
    std::array<pid_t, 64> pids_{};
    std::size_t next_ = 0;
};

}  // namespace fip::guard
