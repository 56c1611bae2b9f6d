#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::sim::pve {

[[nodiscard]] std::vector<std::string> split(std::string_view text, char at);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, const std::string& between);
[[nodiscard]] std::string trimmed(std::string_view text);
[[nodiscard]] std::string lower(std::string text);
[[nodiscard]] std::optional<int> number(std::string_view text);  ///< Empty: anything but digits.

/// PVE::Tools::encode_text and decode_text (facts 2.2): all but printable ASCII without ':' and '%' becomes %XX.
[[nodiscard]] std::string encode_text(std::string_view text);
[[nodiscard]] std::string decode_text(std::string_view text);

[[nodiscard]] std::string sha1_hex(const std::string& text);
[[nodiscard]] std::string random_uuid();
[[nodiscard]] std::string random_mac(const std::string& prefix);  ///< Upper case, as PVE makes them.

[[nodiscard]] std::optional<std::string> read_file(const std::string& path);  ///< Empty: it cannot be opened.

}  // namespace fip::sim::pve
