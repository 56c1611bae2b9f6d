#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace fip::config {

enum class Access {
    anybody,     ///< Who may read the file does not matter.
    owner_only,  ///< Refused when its group or others may read or change it.
};

/// The whole of a regular file; `is_missing` where there is none. Devices, pipes and folders are refused, not waited
/// for.
struct FileText {
    bool is_missing = false;
    std::string text;
};

/// @throws InputError  it cannot be read, is not regular, is longer than `limit` bytes, or `access` is violated
[[nodiscard]] FileText read_file(const std::filesystem::path& path, std::size_t limit, Access access);

}  // namespace fip::config
