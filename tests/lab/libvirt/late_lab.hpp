#pragma once

#include "lab/dataplane/guard_lab.hpp"

#include <string>

namespace fip::test {

inline constexpr auto late_mac = "52:54:00:00:00:01";  ///< What a tool made up: nobody knows it.

/// Everything as installed, at the provider's switch: hook, guard, daemon.
[[nodiscard]] GuardLab::Options installed(std::size_t addresses = 3, int warm = 2);

/// It boots Linux, has a terminal, and its one NIC wears late_mac.
[[nodiscard]] GuestXml late_guest(int number = 1);

/// `virsh create OPTIONS... /run/web1.xml`, and how it ended.
Result try_create(GuardLab& lab, const GuestXml& guest, std::vector<std::string> options = {});

/// It came up once, saw the MACs of its leases and no other, and nothing that the provider does not know was ever sent.
void check_late_boot(GuardLab& lab, const std::string& guest, std::size_t nics = 1);

/// With its address on the device the guest reaches the gateway through the switch.
void check_reaches_gateway(GuardLab& lab, const std::string& guest, const Lease& lease,
                           const std::string& device = "eth0");

/// Nothing is held, waits or is announced.
void check_nobody_claims(GuardLab& lab);

[[nodiscard]] std::size_t count(const std::string& text, const std::string& part);

}  // namespace fip::test
