#pragma once

#include "guest_config.hpp"

#include <string_view>

namespace fip::proxmox {

/// @param  net  value of netN
[[nodiscard]] ConfigNic read_nic(GuestType type, int number, std::string_view net);

}  // namespace fip::proxmox
