#pragma once

#include "app/look.hpp"

#include <filesystem>

namespace fip::proxmox {

struct SetupOptions {
    std::filesystem::path config;
    Effects effects = Effects::apply;
    bool is_json = false;
};

/// Make this node ready: hookscript, its announcement to the cluster, a configuration to begin with, the units. Nothing
/// is changed on a node where it cannot end well. Every step can be repeated, and says so where it was done before.
/// Returns the exit code.
/// @throws InputError std::runtime_error  not a step of it, but the whole cannot be
[[nodiscard]] int install(const SetupOptions& options);

}  // namespace fip::proxmox
