#pragma once

#include "config/secret.hpp"
#include "core/settings.hpp"

namespace fip::config {

/// The provider's token: the systemd credential of the same name if there is one, else the file.
///
/// The credential is `$CREDENTIALS_DIRECTORY/NAME`, NAME being the last part of `token_file`, or "<provider>.token"
/// where the configuration names no file. One newline at the end is not part of the token.
///
/// @throws InputError  neither is there; not a regular file; readable by others (the file); empty, above 4096 bytes, or
///                     with spaces or control characters. what() names the file, never what is in it.
[[nodiscard]] Secret read_token(const ProviderSettings& provider);

}  // namespace fip::config
