#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace fip {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// One reading of the host's clocks. `boot` counts since boot, suspended time included, and cannot be set.
struct Now {
    WallTime wall{};
    std::chrono::milliseconds boot{};
    std::string boot_id;  ///< Kernel's random id of this boot.
    friend bool operator==(const Now&, const Now&) = default;
};

/// RFC 3339 in UTC, whole seconds: "2024-05-06T07:08:09Z".
[[nodiscard]] std::string rfc3339(WallTime time);

/// "5s", "250ms", "10m", "2h", "1d"; a whole, non-negative number and one unit, at most 365 d.
/// @throws InputError
[[nodiscard]] std::chrono::milliseconds parse_duration(std::string_view text);

}  // namespace fip
