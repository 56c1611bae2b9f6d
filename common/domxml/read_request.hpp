#pragma once

#include "core/guest.hpp"

#include <string>
#include <string_view>

namespace fip::domxml {

/// Take one attribute of the user's `<request>` into `request`.
/// Returns what is wrong with it, for people: the attribute and what was expected; empty when nothing is.
[[nodiscard]] std::string read_request_attribute(Request& request, std::string_view name, std::string_view value);

/// Short and printable, for messages: control characters and everything beyond 40 characters are left out.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace fip::domxml
