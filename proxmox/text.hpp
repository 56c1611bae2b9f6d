#pragma once

#include <string>
#include <string_view>

namespace fip::proxmox {

/// What Perl's \s matches in the texts that Proxmox reads.
inline constexpr std::string_view blanks = " \t\n\r\f\v";

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
[[nodiscard]] std::string lower(std::string_view text);  ///< Of ASCII letters.
[[nodiscard]] std::string upper(std::string_view text);  ///< Of ASCII letters.

/// Fit to be one folder's name in a path, as names of nodes are.
[[nodiscard]] bool is_folder_name(std::string_view text) noexcept;

}  // namespace fip::proxmox
