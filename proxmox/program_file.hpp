#pragma once

#include <filesystem>

namespace fip::proxmox {

/// A regular file, or a link to one, that we may execute.
[[nodiscard]] bool is_program(const std::filesystem::path& file);

}  // namespace fip::proxmox
