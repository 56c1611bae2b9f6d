#pragma once

#include <filesystem>

namespace fip::cli {

/// Everything that is wrong with the file and with the token files that it names, one per line on stderr.
[[nodiscard]] int check_config(const std::filesystem::path& file);

}  // namespace fip::cli
