#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <thread>

namespace fip::daemon {

/// A thread whose end can be waited for with a limit, and whose exceptions are told to somebody.
class Worker {
public:
    Worker(std::function<void()> body, std::function<void(std::exception_ptr)> failed);
    ~Worker();  ///< Waits for its end.
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    [[nodiscard]] bool has_ended(std::chrono::steady_clock::time_point deadline) const;

private:
    std::promise<void> end_;
    std::future<void> ended_;
    std::thread thread_;
};

}  // namespace fip::daemon
