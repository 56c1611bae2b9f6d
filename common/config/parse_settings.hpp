#pragma once

#include "config/config_error.hpp"
#include "core/settings.hpp"

#include <string>
#include <string_view>

namespace fip::config {

/// Read a configuration to its last character; `file_name` is for messages only.
/// @throws ConfigError  with every mistake there is; a syntax error alone
[[nodiscard]] Settings parse_settings(std::string_view text, std::string_view file_name);

/// The hypervisor driver a libvirt URI speaks to: "qemu" of "qemu+unix:///system?x"; empty when it has no scheme.
[[nodiscard]] std::string driver_of(std::string_view uri);

}  // namespace fip::config
