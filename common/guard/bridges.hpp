#pragma once

#include "core/guard.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fip::guard {

/// Bridges of these names that exist below `sys`, with their ports, both in the order of their names.
/// An uplink is a port with a device behind it, a bond, or a VLAN on either.
[[nodiscard]] std::vector<BridgeView> read_bridges(const std::filesystem::path& sys,
                                                   const std::vector<std::string>& names);

}  // namespace fip::guard
