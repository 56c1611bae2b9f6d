#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fip::cli {

/// One NIC of a guest, as its own network set-up must know it.
struct GuestNetwork {
    std::optional<Mac> mac;          ///< What the device is found by.
    std::vector<Address> addresses;  ///< The first one is the guest's own; not empty.
    std::optional<Address> gateway;  ///< Absent: only the person who routes the addresses knows it.
};

/// Text to paste inside the guest. The gateway lies outside the address's own network: it is reached on-link.
[[nodiscard]] std::string netplan_text(const std::vector<GuestNetwork>& nics);
[[nodiscard]] std::string ifupdown_text(const std::vector<GuestNetwork>& nics);

}  // namespace fip::cli
