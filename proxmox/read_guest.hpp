#pragma once

#include "core/guest.hpp"
#include "guest_config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fip::proxmox {

/// "100/4dea22b3-1d52-48f3-9516-782e98a23fa0"; "100" for containers and VMs without an smbios1 uuid.
[[nodiscard]] GuestId guest_id(int vmid, const GuestConfig& config);
/// @param known  who that VMID was: a VM that has lost its uuid (`qm set --smbios1 manufacturer=...`) is still the same
[[nodiscard]] GuestId guest_id(int vmid, const GuestConfig& config, const std::optional<GuestId>& known);

/// The VMID in a guest's id; empty: it is none of Proxmox', or malformed.
[[nodiscard]] std::optional<int> vmid_of(const GuestId& guest);
/// 1 to 999999999, and nothing else around it; empty: no VMID.
[[nodiscard]] std::optional<int> parse_vmid(std::string_view text);

/// A guest as its config says, not running: `origin` and what is known of the running one are the caller's to add.
/// Nic::index is N of netN.
/// @param with_pending  with what is pending, as it will be after the next stop or start
[[nodiscard]] Guest read_guest(int vmid, const GuestConfig& config, bool with_pending);

}  // namespace fip::proxmox
