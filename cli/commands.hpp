#pragma once

#include <CLI/App.hpp>

#include <filesystem>
#include <functional>

namespace fip::cli {

/// What the command line asks for.
struct Chosen {
    std::filesystem::path config;
    std::function<int()> run;  ///< Empty: nothing was chosen.
};

/// Add every noun and verb; parsing fills `chosen`, which must outlive `app`.
void add_commands(CLI::App& app, Chosen& chosen);

}  // namespace fip::cli
