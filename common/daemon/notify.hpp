#pragma once

#include <chrono>
#include <string>

namespace fip::daemon {

/// What systemd is told. Without systemd: no effect.
void notify(const std::string& state) noexcept;

/// How often the watchdog wants to hear from us; zero: there is none.
[[nodiscard]] std::chrono::microseconds watchdog_interval() noexcept;

}  // namespace fip::daemon
