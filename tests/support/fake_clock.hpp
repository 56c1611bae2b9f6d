#pragma once

#include "ports/clock.hpp"

namespace fip::test {

/// A clock that a test moves.
class FakeClock final : public Clock {
public:
    [[nodiscard]] Now now() const override { return now_; }

    /// Time passes: both clocks move.
    void advance(std::chrono::milliseconds by) {
        now_.wall += by;
        now_.boot += by;
    }
    /// Somebody sets the wall clock.
    void set_wall(WallTime wall) { now_.wall = wall; }
    void reboot() {
        now_.boot = std::chrono::seconds{20};
        now_.boot_id = "boot-" + std::to_string(++boots_);
    }

private:
    int boots_ = 1;
    Now now_{WallTime{std::chrono::seconds{1'700'000'000}}, std::chrono::minutes{5}, "boot-1"};
};

}  // namespace fip::test
