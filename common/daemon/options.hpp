#pragma once

#include "app/look.hpp"
#include "daemon/program.hpp"

#include <filesystem>
#include <optional>

namespace CLI {
class App;
}

namespace fip::daemon {

struct Options {
    std::filesystem::path config;
    std::filesystem::path socket;
    bool is_once = false;
    bool is_json = false;
    Effects effects = Effects::apply;
    Permission permission;
};

/// Where nothing is said: the default file, and the socket of this kind of daemon.
[[nodiscard]] Options default_options(GuestKind kind);

/// For a program with other commands beside: `app` takes what all daemons take, into `options`, which outlives it.
void add_options(CLI::App& app, Options& options);

/// Empty: everything was said (help, version); exit 0.
/// @throws InputError  wrong usage
[[nodiscard]] std::optional<Options> read_options(int argc, const char* const* argv, const Program& program);

}  // namespace fip::daemon
