#include "core/time.hpp"

#include "core/errors.hpp"

#include <charconv>
#include <cstdio>

namespace fip {

std::string rfc3339(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{seconds - day};
    char text[48];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text;
}

std::chrono::milliseconds parse_duration(std::string_view text) {
    using std::chrono::milliseconds;
    const auto fail = [&] {
        return InputError{"not a duration like \"250ms\", \"5s\", \"10m\", \"2h\" or \"1d\": \"" +
                          std::string{text.substr(0, 64)} + "\""};
    };
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || text.front() == '-') throw fail();

    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    std::int64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s") factor = 1'000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (unit == "d") factor = 86'400'000;
    constexpr milliseconds longest = std::chrono::days{365};
    if (factor == 0 || count > longest.count() / factor) throw fail();
    return milliseconds{count * factor};
}

}  // namespace fip
