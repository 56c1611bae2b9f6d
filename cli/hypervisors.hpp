#pragma once

#include "core/guest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fip::cli {

/// Whose guests this host has, and which program of ours sees them.
struct Hypervisor {
    GuestKind kind;
    std::string_view name;  ///< For people.
    std::string program;
    std::vector<std::string> once;  ///< How it is told to compare once.
};

/// What this host has. A Proxmox node has no libvirt unless somebody installed it: asking it would only bring doubt.
[[nodiscard]] std::vector<Hypervisor> hypervisors();

[[nodiscard]] std::string_view name_of_hypervisor(GuestKind kind);

}  // namespace fip::cli
