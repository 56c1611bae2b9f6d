#pragma once

#include "core/guest.hpp"

#include <string>

namespace fip::domxml {

/// The `<interface>` of a running guest's NIC as it must be plugged in again with that MAC: at the same place, hanging
/// on the same thing. What libvirt made up for the running device is left out: alias, device on the host, and what a
/// network was resolved to; names that a person chose stay.
///
/// @throws InputError  as read_domain(); the NIC is not in there with its old MAC
[[nodiscard]] std::string interface_with_mac(const std::string& live_xml, const Nic& nic, const Mac& mac);

}  // namespace fip::domxml
