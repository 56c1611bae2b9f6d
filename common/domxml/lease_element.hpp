#pragma once

#include "core/guest.hpp"
#include "domxml/xml.hpp"

#include <string>
#include <vector>

namespace fip::domxml {

/// Our `<lease>` for these records; its lines begin with `indent`, the first and the last have none of their own.
/// @throws InputError  a text that XML cannot hold
[[nodiscard]] LooseNode lease_element(const std::vector<NicRecord>& records, const std::string& indent);

/// Same elements, attributes and text; prefixes, order of attributes, comments and space between elements do not count.
[[nodiscard]] bool is_same(const xmlNode* left, const xmlNode* right);

}  // namespace fip::domxml
