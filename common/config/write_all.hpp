#pragma once

#include <string_view>

namespace fip::config {

/// All of the text into an open file, or false and errno: some of it may be written then.
[[nodiscard]] bool write_all(int descriptor, std::string_view text);

}  // namespace fip::config
