#include "core/mac.hpp"

#include "core/errors.hpp"

namespace fip {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<Mac> Mac::try_parse(std::string_view text) noexcept {
    if (text.size() != 17) return {};
    Mac mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = hex_value(text[3 * i]);
        const int low = hex_value(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return {};
        mac.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    const bool is_multicast = (mac.bytes_[0] & 1) != 0;
    if (is_multicast || mac == Mac{}) return {};
    return mac;
}

Mac Mac::parse(std::string_view text) {
    if (const auto mac = try_parse(text)) return *mac;
    throw InputError{"not a unicast MAC address: \"" + std::string{text.substr(0, 64)} + "\""};
}

Mac Mac::local(std::uint64_t random) noexcept {
    Mac mac;
    mac.bytes_[0] = 0x02;
    for (std::size_t i = 1; i < 6; ++i) mac.bytes_[i] = static_cast<std::uint8_t>(random >> (8 * i));
    return mac;
}

std::string Mac::text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes_) {
        if (!text.empty()) text += ':';
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace fip
