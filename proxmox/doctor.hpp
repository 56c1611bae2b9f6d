#pragma once

#include "doctor/check.hpp"

#include <filesystem>

namespace fip::proxmox {

/// What is well and what is not with this node: snippet, announcements, watcher, pmxcfs, quorum, and its guests.
/// Changes nothing, talks to no provider. What cannot be looked at is a failed check.
[[nodiscard]] doctor::Checks examine_node(const std::filesystem::path& config);

}  // namespace fip::proxmox
