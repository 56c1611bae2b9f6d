#include "daemon/notify.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace fip::daemon {

void notify(const std::string& state) noexcept {
    (void)sd_notify(0, state.c_str());  // nobody listens: nothing to do about it
}

std::chrono::microseconds watchdog_interval() noexcept {
    std::uint64_t interval = 0;
    if (sd_watchdog_enabled(0, &interval) <= 0) return std::chrono::microseconds{0};
    return std::chrono::microseconds{static_cast<std::int64_t>(interval)};
}

}  // namespace fip::daemon
