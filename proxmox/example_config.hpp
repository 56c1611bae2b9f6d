#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

/// What stands wherever a person must put something in.
inline constexpr std::string_view placeholder = "CHANGE-ME";

/// A configuration to begin with. It cannot be used as it is: its placeholders are not values.
/// @param bridge  whose guests are to be managed
[[nodiscard]] std::string example_config(std::string_view bridge);

/// Nobody has put values in yet.
[[nodiscard]] bool has_placeholders(std::string_view config);

/// The bridge that leads outside: the first vmbrN by number among those with an uplink; "vmbr0" when there is none.
[[nodiscard]] std::string bridge_for_guests(const std::vector<std::string>& with_uplink);

}  // namespace fip::proxmox
