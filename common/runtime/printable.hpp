#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fip::runtime {

/// Somebody else's text made fit for one line: control and bidirectional characters, line breaks and what is not UTF-8
/// become escapes. Longer than `most` bytes: cut, and ends in "...". A backslash is doubled, so two texts never look
/// alike.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 8192);

/// What a program said last: its last line that is not empty at the end of the text.
[[nodiscard]] std::string last_line(std::string text);

}  // namespace fip::runtime
