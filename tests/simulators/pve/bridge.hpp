#pragma once

#include "simulators/pve/node.hpp"
#include "simulators/pve/property.hpp"

#include <string>

namespace fip::sim::pve {

[[nodiscard]] bool has_device(const std::string& name);
/// `ip` with these words; @throws CommandError  it failed
void ip(const std::string& words);
/// Put a tap or a veth on its bridge; with firewall=1 through fwbr, fwln and fwpr (facts 6).
void join_bridge(const Guest& guest, const std::string& interface, int index, const Properties& net);
void leave_firewall_bridge(const Guest& guest, int index);

}  // namespace fip::sim::pve
