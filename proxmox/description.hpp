#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fip::proxmox {

/// Longest description that Proxmox takes, in characters.
inline constexpr std::size_t most_description = 8192;

/// As PVE::Tools writes a line of the description: everything but printable ASCII as %3A, also ':' and '%'.
[[nodiscard]] std::string encode_text(std::string_view text);
/// A '%' without two hex digits stands for itself.
[[nodiscard]] std::string decode_text(std::string_view text);

/// Text that shows as itself wherever the Notes are rendered, as Markdown or as HTML, and stays on its line: whatever
/// means something there becomes a character reference, control characters become blanks, what is not UTF-8 '?'.
[[nodiscard]] std::string escape_markdown(std::string_view text);

/// The description with this as our line, or without one; nothing else changes, but for line breaks at its end.
///
/// An intact line of ours is changed where it stands, else one comes last, after an empty line. Damaged and doubled
/// ones go: to the end marker, unless an empty line or another start marker comes first; then to the end of the line.
/// A line that would make the description longer than `most_description` is left out. A description that is too long
/// without it stays as it is: Proxmox would refuse it with everything else that changes.
///
/// @param  line  Markdown of one line, what is foreign in it escaped
[[nodiscard]] std::string with_our_line(std::string_view description, const std::optional<std::string>& line);

/// Has a marker of ours, be it damaged.
[[nodiscard]] bool has_our_line(std::string_view description);

}  // namespace fip::proxmox
