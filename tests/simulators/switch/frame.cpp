#include "simulators/switch/frame.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fip::sim {
namespace {

constexpr std::size_t header_size = 14;
constexpr std::uint16_t type_ipv4 = 0x0800;
constexpr std::uint16_t type_arp = 0x0806;
constexpr std::uint16_t type_rarp = 0x8035;

template <std::size_t Size>
std::array<std::uint8_t, Size> part(Bytes frame, std::size_t at) {
    std::array<std::uint8_t, Size> bytes{};
    std::ranges::copy(frame.subspan(at, Size), bytes.begin());
    return bytes;
}

bool is_ethernet_arp(Bytes body) {
    constexpr std::array<std::uint8_t, 6> wanted{0, 1, 0x08, 0x00, 6, 4};
    return body.size() >= 28 && std::ranges::equal(body.first(wanted.size()), wanted);
}

std::optional<Ipv4> claim(Bytes frame, std::uint16_t ethertype) {
    const auto body = frame.subspan(header_size);
    Ipv4 address{};
    if (ethertype == type_ipv4 && body.size() >= 20 && body[0] >> 4U == 4) {
        address = part<4>(body, 12);
    } else if ((ethertype == type_arp || ethertype == type_rarp) && is_ethernet_arp(body)) {
        address = part<4>(body, 14);
    }
    if (address == Ipv4{}) return std::nullopt;
    return address;
}

}  // namespace

std::optional<FrameFacts> read_frame(Bytes frame) {
    if (frame.size() < header_size) return std::nullopt;
    FrameFacts facts;
    facts.destination = part<6>(frame, 0);
    facts.source = part<6>(frame, 6);
    facts.ethertype = static_cast<std::uint16_t>(frame[12] << 8U | frame[13]);
    facts.claimed = claim(frame, facts.ethertype);
    return facts;
}

std::string text_of(const EthernetAddress& address) {
    return fmt::format("{:02x}", fmt::join(address, ":"));
}

std::string text_of(const Ipv4& address) {
    return fmt::format("{}", fmt::join(address, "."));
}

std::string hex_of(Bytes bytes) {
    return fmt::format("{:02x}", fmt::join(bytes.begin(), bytes.end(), ""));
}

}  // namespace fip::sim
