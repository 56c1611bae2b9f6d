#pragma once

#include "app/look.hpp"

#include <filesystem>
#include <optional>

namespace fip::plugin {

struct Options {
    std::filesystem::path config;
    std::filesystem::path socket;
    bool is_once = false;
    bool is_json = false;
    Effects effects = Effects::apply;
    Permission permission;
};

/// Empty: everything was said (help, version); exit 0.
/// @throws InputError  wrong usage
[[nodiscard]] std::optional<Options> read_options(int argc, const char* const* argv);

}  // namespace fip::plugin
