// Any bytes are read or refused with InputError, and the first look never misses a bridge.
#include "core/errors.hpp"
#include "domxml/limits.hpp"
#include "domxml/read_domain.hpp"
#include "expect.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using fip::fuzz::expect;
    const std::string_view xml{reinterpret_cast<const char*>(data), size};
    try {
        const auto [guest, type] = fip::domxml::read_domain(xml);
        expect(guest.id.value.empty() || guest.id.value.size() == 36, "a whole uuid");
        expect(guest.nics.size() <= fip::domxml::max_interfaces, "not too many interfaces");
        expect(guest.problem.size() < 300, "a short problem");
        for (const auto& nic : guest.nics) {
            const std::vector<std::string> bridges{nic.bridge};
            expect(
                fip::domxml::names_any(xml, bridges) || nic.bridge.find_first_of("&<\"'>\n\r\t ") != std::string::npos,
                "a bridge that was read is seen at the first look");
        }
    } catch (const fip::InputError& error) {
        expect(std::string_view{error.what()}.find('\n') == std::string_view::npos, "one line");
    }
    return 0;
}
