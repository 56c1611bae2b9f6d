#pragma once

#include <chrono>
#include <thread>

namespace fip::test {

/// Ask `condition` again and again. False: it was not true within `limit`.
/// For the world outside (a daemon, a guest); a test of our own code injects its clock instead.
template <typename Condition>
[[nodiscard]] bool wait_until(Condition condition, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    auto pause = std::chrono::milliseconds{2};
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(pause);
        if (pause < std::chrono::milliseconds{50}) pause *= 2;
    }
    return true;
}
}  // namespace fip::test
