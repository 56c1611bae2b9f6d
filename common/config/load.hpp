#pragma once

#include "core/settings.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace fip::config {

inline constexpr const char* default_file = "/etc/failover-ip/config.toml";
inline constexpr const char* accepted_file = "/var/lib/failover-ip/config.accepted.toml";

/// The configuration in `file`, and nothing else.
/// @throws ConfigError  everything that is wrong with it
/// @throws InputError   it is not there or cannot be read
[[nodiscard]] Settings load(const std::filesystem::path& file);

/// What a hook may work with while somebody edits the file.
struct Accepted {
    std::optional<Settings> settings;  ///< Absent: neither the file nor an accepted copy is usable.
    std::string problem;               ///< What is wrong with the file, for the log; empty when nothing is.
};

/// The configuration; where it is missing or wrong, the copy of the last good one. A good file becomes that copy.
/// Throws nothing for what is, or is not, in the files.
[[nodiscard]] Accepted load_accepted(const std::filesystem::path& file, const std::filesystem::path& copy);
[[nodiscard]] Accepted load_accepted();  ///< Of the default file.

/// Keep `file`, if it is good, as the accepted copy: mode 0600, replaced whole, untouched when it is the same already.
/// @throws InputError  the file is not good, or the copy cannot be written: the old copy is still there
void keep_copy(const std::filesystem::path& file, const std::filesystem::path& copy);

/// For daemons and the command line, after load(): keep_copy() for the default file, nothing for any other.
void remember(const std::filesystem::path& file);

}  // namespace fip::config
