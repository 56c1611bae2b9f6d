#pragma once

#include "core/address.hpp"
#include "core/guest.hpp"

#include <string>
#include <string_view>

namespace fip {

/// What a reverse-name template may name.
struct NameFacts {
    std::string_view name;  ///< Guest's name, any text.
    GuestId guest;
    Address address;
    std::string_view host;
};

/// Fill in {name} {uuid} {ip-dashed} {vmid} {host}; lower case, no final dot.
/// Empty when a placeholder has no usable value or the result is no DNS name: rDNS is then left alone.
[[nodiscard]] std::string expand_hostname(std::string_view text, const NameFacts& facts);

/// One DNS label out of any text: lower case, others than [a-z0-9-] become '-', squeezed, trimmed, 63 at most.
[[nodiscard]] std::string dns_label(std::string_view text);

/// At least two labels of [a-z0-9-_], 253 at most in all, lower case, no final dot.
[[nodiscard]] bool is_dns_name(std::string_view text) noexcept;

}  // namespace fip
