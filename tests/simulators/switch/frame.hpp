#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace fip::sim {

/// As it stands in a frame: also multicast and all zero, which fip::Mac does not know.
using EthernetAddress = std::array<std::uint8_t, 6>;
using Ipv4 = std::array<std::uint8_t, 4>;
using Bytes = std::span<const std::uint8_t>;

/// What the switch looks at in a frame.
struct FrameFacts {
    EthernetAddress destination{};
    EthernetAddress source{};
    std::uint16_t ethertype = 0;
    std::optional<Ipv4> claimed{};  ///< The sender's address in IPv4, ARP and RARP; never 0.0.0.0.
};

/// Empty: too short for an Ethernet header.
[[nodiscard]] std::optional<FrameFacts> read_frame(Bytes frame);

[[nodiscard]] inline bool is_group(const EthernetAddress& address) {
    return (address[0] & 1U) != 0;
}
[[nodiscard]] std::string text_of(const EthernetAddress& address);
[[nodiscard]] std::string text_of(const Ipv4& address);
[[nodiscard]] std::string hex_of(Bytes bytes);
}  // namespace fip::sim
