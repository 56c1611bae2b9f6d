#pragma once

#include "app/context.hpp"
#include "guest_file.hpp"
#include "on_start.hpp"

#include <string>

namespace fip::proxmox {

/// A guest whose start is refused in any case, for it has a wrong MAC on its command line already.
struct WrongStart {
    const Context& context;  ///< With the store that is open for reading.
    const StartWorld& world;
    const GuestFile& file;
    const GuestConfig& config;  ///< Of that file.
    const Guest& guest;
    const std::string& title;
    int vmid;
};

/// Claim what its NICs lack, write their MACs and addresses into its config, and have it started again; once for each
/// set of wrong MACs. May only start when its MACs turned out to be right.
/// @throws StoreBusy StoreError
/// @throws GuestsUnavailable  pmxcfs went away, or cannot be read
[[nodiscard]] StartReply put_right(const WrongStart& start);

}  // namespace fip::proxmox
