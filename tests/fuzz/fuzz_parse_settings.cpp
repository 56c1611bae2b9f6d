// Any bytes are a configuration or a list of mistakes, one printable line each.
#include "config/parse_settings.hpp"
#include "expect.hpp"

#include <algorithm>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using fip::fuzz::expect;
    try {
        const auto settings = fip::config::parse_settings({reinterpret_cast<const char*>(data), size}, "f");
        for (const auto& [name, pool] : settings.pools) {
            expect(settings.providers.contains(pool.provider) && !pool.bridges.empty(), "a pool is whole");
        }
    } catch (const fip::config::ConfigError& error) {
        expect(!error.mistakes().empty(), "says what is wrong");
        const std::string_view text{error.what()};
        const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
        expect(lines == std::min<std::size_t>(error.mistakes().size(), 201), "one line per mistake");
    }
    return 0;
}
