#pragma once

#include "app/context.hpp"
#include "appearance.hpp"
#include "core/guest.hpp"

#include <optional>

namespace fip::proxmox {

/// How the guest's config should look by what the store knows about its leases. `is_ours` refers to `rows`.
/// Empty: it was not looked at yet, nothing is known.
[[nodiscard]] std::optional<Appearance> wanted_appearance(const Context& context, const Rows& rows, const Guest& guest);

/// Something in the config is of ours, or a copy of it.
[[nodiscard]] bool shows_anything(const GuestConfig& config);

}  // namespace fip::proxmox
