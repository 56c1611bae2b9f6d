#include "domxml/read_request.hpp"

#include "core/hostname.hpp"
#include "domxml/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fip::domxml {
namespace {

bool is_name(std::string_view text) {
    std::string lower{text.substr(0, 300)};
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return is_dns_name(lower);
}

std::string wrong(std::string_view name, std::string_view value, std::string_view expected) {
    return fmt::format("request: {}=\"{}\": expected {}", name, shown(value), expected);
}

}  // namespace

std::string shown(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (result.size() >= 40 && (byte & 0xC0U) != 0x80U)
            return result + "...";  // never in the middle of a character
        if (byte >= 0x20 && byte != 0x7F) result += c;
    }
    return result;
}

std::string read_request_attribute(Request& request, std::string_view name, std::string_view value) {
    if (name == "pool") {
        if (value.empty() || value.size() > 64) return wrong(name, value, "the name of a pool, at most 64 characters");
        request.pool = value;
    } else if (name == "hostname") {
        if (!is_name(value)) return wrong(name, value, "a DNS name like mail.example.com");
        request.hostname = value;
    } else if (name == "addresses") {
        int count = 0;
        const auto* const end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, count);
        if (error != std::errc{} || stop != end || count < 1 || count > max_addresses) {
            return wrong(name, value, fmt::format("a whole number from 1 to {}", max_addresses));
        }
        request.addresses = count;
    } else if (name == "enabled") {
        if (value != "yes" && value != "no") return wrong(name, value, "yes or no");
        request.is_enabled = value == "yes";
    } else {
        return fmt::format("request: unknown attribute {}: expected pool, hostname, addresses or enabled", shown(name));
    }
    return {};
}

}  // namespace fip::domxml
