#pragma once

#include "ports/clock.hpp"

#include <string>

namespace fip::runtime {

/// The kernel's clocks. The boot id is read when the object is made.
class SystemClock final : public Clock {
public:
    /// @throws std::runtime_error  the kernel does not tell its boot id
    SystemClock();
    [[nodiscard]] Now now() const override;

private:
    std::string boot_id_;
};

}  // namespace fip::runtime
