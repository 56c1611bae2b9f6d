#pragma once

#include "core/time.hpp"

namespace fip {

class Clock {
public:
    virtual ~Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    [[nodiscard]] virtual Now now() const = 0;

protected:
    Clock() = default;
};

}  // namespace fip
