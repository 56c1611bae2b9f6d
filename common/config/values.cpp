#include "config/values.hpp"

#include "config/mistakes.hpp"
#include "config/parse_settings.hpp"
#include "core/address.hpp"
#include "core/hostname.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fip::config {
namespace {

constexpr std::array<std::string_view, 5> placeholders{"name", "uuid", "ip-dashed", "vmid", "host"};
constexpr std::array<std::string_view, 9> drivers{"qemu", "lxc", "xen", "test", "ch", "bhyve", "vbox", "vz", "openvz"};

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_made_of(std::string_view text, std::string_view more) {
    return std::ranges::all_of(text,
                               [&](char c) { return is_letter_or_digit(c) || more.find(c) != std::string_view::npos; });
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "[::1]") return true;
    const auto address = Address::try_parse(host);
    return address && address->is_v4() && address->bytes()[0] == 127;
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos &&
           std::stoi(std::string{text}) >= 1 && std::stoi(std::string{text}) <= 65535;
}

}  // namespace

bool is_interface_name(std::string_view text) {
    return !text.empty() && text.size() <= 15 && text != "." && text != ".." && is_made_of(text, "_.-");
}

bool is_section_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && is_made_of(text, "_-");
}

bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
           text.find("..") == std::string_view::npos && is_made_of(text, ".-");
}

std::string check_template(std::string_view text) {
    std::string sample;  // the template with something harmless in every placeholder
    for (auto rest = text; !rest.empty();) {
        const auto brace = rest.find_first_of("{}");
        sample += rest.substr(0, brace);
        if (brace == std::string_view::npos) break;
        const auto end = rest.find_first_of("{}", brace + 1);
        if (rest[brace] == '}' || end == std::string_view::npos || rest[end] == '{') {
            return fmt::format("expected balanced braces, found {}", shown(text));
        }
        const auto name = rest.substr(brace + 1, end - brace - 1);
        if (std::ranges::find(placeholders, name) == placeholders.end()) {
            return fmt::format(
                "unknown placeholder {{{}}}; expected one of {{name}} {{uuid}} {{ip-dashed}} {{vmid}} {{host}}{}",
                printable(name, 40), did_you_mean(name, placeholders));
        }
        sample += 'x';  // any label
        rest.remove_prefix(end + 1);
    }
    if (!is_dns_name(sample)) {
        return fmt::format("expected a DNS name like \"{{ip-dashed}}.vm.example.com\", found {}", shown(text));
    }
    return {};
}

std::string check_endpoint(std::string_view text) {
    constexpr std::string_view expected = "expected https://HOST[:PORT][/PATH], or http:// to a loopback address";
    const bool is_https = text.starts_with("https://");
    if (!is_https && !text.starts_with("http://")) return std::string{expected};
    text.remove_prefix(is_https ? 8 : 7);
    // No user, query, fragment or escape: nothing that two programs could read in two ways.
    if (text.size() > 1000 || !is_made_of(text, ".-_~:/[]")) return std::string{expected};
    auto host = text.substr(0, text.find('/'));
    if (host.size() != text.size() && text.substr(host.size()).find_first_of(":[]") != std::string_view::npos) {
        return std::string{expected};
    }
    const auto bracket = host.find(']');
    const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        if (!is_port(host.substr(colon + 1))) return std::string{expected};
        host = host.substr(0, colon);
    }
    const bool is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']' &&
                       Address::try_parse(host.substr(1, host.size() - 2)).has_value();
    if (!is_v6 && !is_host_name(host)) return std::string{expected};
    if (!is_https && !is_loopback(host)) return "expected https://: plain http is for loopback addresses only";
    return {};
}

std::string driver_of(std::string_view uri) {
    const auto end = uri.find_first_of("+:");
    if (end == std::string_view::npos || uri.find(':') == std::string_view::npos) return {};
    return std::string{uri.substr(0, end)};
}

std::string check_uri(std::string_view text) {
    constexpr std::string_view expected = "expected a libvirt URI like \"qemu:///system\"";
    const auto driver = driver_of(text);
    if (driver.empty() || text.size() > 1000 ||
        std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; })) {
        return fmt::format("{}, found {}", expected, shown(text));
    }
    if (std::ranges::find(drivers, driver) == drivers.end()) {
        return fmt::format("unknown driver {}; {}{}", shown(driver), expected, did_you_mean(driver, drivers));
    }
    return {};
}

}  // namespace fip::config
