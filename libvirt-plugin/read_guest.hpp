#pragma once

#include "connection.hpp"
#include "core/guest.hpp"
#include "networks.hpp"

#include <optional>
#include <string>

namespace fip::plugin {

/// One domain as a guest. Empty: it vanished meanwhile.
/// @throws GuestsUnavailable  libvirt does not answer
/// @throws InputError         its XML is beyond us
[[nodiscard]] std::optional<Guest> read_guest(const Connection& connection, virDomainPtr domain, Networks& networks);

/// The stored definition with its secrets: what a redefine starts from. Empty: no such domain any more.
/// @throws GuestsUnavailable
[[nodiscard]] std::optional<std::string> stored_xml(const Connection& connection, virDomainPtr domain);

[[nodiscard]] std::string uuid_of(virDomainPtr domain);
[[nodiscard]] std::string name_of(virDomainPtr domain);

}  // namespace fip::plugin
