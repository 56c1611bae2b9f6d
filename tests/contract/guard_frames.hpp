#pragma once

#include <cstdint>
#include <string>

namespace fip::test {

/// Bytes on a wire. Every frame is broadcast.
using Frame = std::string;

[[nodiscard]] std::string mac_bytes(const std::string& mac);
[[nodiscard]] std::string number_bytes(std::uint32_t number, int bytes);  ///< Network byte order.

/// @param type  an ethertype, or the length of an 802.3 frame
[[nodiscard]] Frame ether(const std::string& source, std::uint16_t type, const std::string& content);
[[nodiscard]] Frame arp(const std::string& source, const std::string& sender_mac, const std::string& sender_ip);
[[nodiscard]] Frame udp4(const std::string& source, const std::string& address, std::uint16_t from = 5000,
                         std::uint16_t to = 5001);
[[nodiscard]] Frame udp6(const std::string& source, const std::string& address);
[[nodiscard]] Frame neighbour6(const std::string& source, const std::string& address);  ///< Neighbour solicitation.
[[nodiscard]] Frame report6(const std::string& source,
                            const std::string& address);  ///< MLD, with its hop-by-hop option.
/// The same frame in a VLAN.
[[nodiscard]] Frame tagged(const Frame& frame, std::uint16_t tag_type = 0x8100, std::uint16_t vlan = 7);

}  // namespace fip::test
