#pragma once

#include <string>
#include <string_view>

namespace fip::config {

// Checks of single values. Each returns what is wrong with the text, as "expected ...", or nothing.

[[nodiscard]] bool is_interface_name(
    std::string_view text);  ///< What Linux and libvirt both take: at most 15 characters.
[[nodiscard]] bool is_section_name(
    std::string_view text);  ///< Of a pool or provider: letters, digits, - and _, at most 64.
[[nodiscard]] bool is_host_name(std::string_view text);
[[nodiscard]] std::string check_template(std::string_view text);  ///< A reverse name with {placeholders}.
[[nodiscard]] std::string check_endpoint(
    std::string_view text);                                  ///< https, or http to loopback; never quotes the text.
[[nodiscard]] std::string check_uri(std::string_view text);  ///< libvirt's.

}  // namespace fip::config
