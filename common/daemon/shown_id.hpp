#pragma once

#include "core/guest.hpp"

#include <string_view>

namespace fip::daemon {

/// What people and programs are shown of an id: of a Proxmox guest the VMID alone.
[[nodiscard]] inline std::string_view shown_id(const GuestId& id) {
    const std::string_view whole{id.value};
    return id.kind == GuestKind::proxmox ? whole.substr(0, whole.find('/')) : whole;
}

/// Which guest with that VMID it is: its smbios1 uuid. Empty: it has none, or is no Proxmox guest.
[[nodiscard]] inline std::string_view shown_uuid(const GuestId& id) {
    const std::string_view whole{id.value};
    const auto slash = whole.find('/');
    return id.kind == GuestKind::proxmox && slash != std::string_view::npos ? whole.substr(slash + 1)
                                                                            : std::string_view{};
}

}  // namespace fip::daemon
