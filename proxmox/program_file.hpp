#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace fip::proxmox {

/// A regular file, or a link to one, that we may execute.
[[nodiscard]] bool is_program(const std::filesystem::path& file);

/// In /usr/sbin, where Proxmox has its own, then in the absolute folders of PATH, and in the system's others.
[[nodiscard]] std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace fip::proxmox
