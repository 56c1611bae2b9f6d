#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fip::bench {

/// What the kernel says of a process.
[[nodiscard]] double anonymous_memory_mb(pid_t process);  ///< RssAnon
[[nodiscard]] std::chrono::nanoseconds cpu_time(pid_t process);
/// Voluntary context switches of each thread since it began: a sleeping thread that wakes up has one more.
[[nodiscard]] std::map<pid_t, std::int64_t> wake_ups(pid_t process);

/// Watches how often the threads of a process wake up, once a second.
class WakeUps {
public:
    explicit WakeUps(pid_t process) : process_{process} {}

    void watch(std::chrono::seconds time);

    [[nodiscard]] std::int64_t total() const;
    /// Wake-ups that work done once per interval does not explain. Of each thread's pieces of work (seconds with at
    /// most one idle second between them) the largest count as that work, as far as they are an interval apart.
    [[nodiscard]] std::int64_t early(std::chrono::seconds interval) const;
    [[nodiscard]] bool was_quiet() const { return total() == 0; }
    [[nodiscard]] std::string text() const;  ///< Which thread woke up when, for people.

private:
    struct Piece {
        int begin = 0;
        int end = 0;
        std::int64_t wake_ups = 0;
    };
    void add(pid_t thread, std::int64_t count);

    pid_t process_;
    int seconds_ = 0;
    std::map<pid_t, std::vector<Piece>> threads_;
};

}  // namespace fip::bench
