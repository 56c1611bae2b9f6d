#include "guard_frames.hpp"

#include <arpa/inet.h>

#include <array>
#include <stdexcept>

namespace fip::test {
namespace {

std::string address_bytes(int family, const std::string& text) {
    std::array<char, 16> bytes{};
    if (::inet_pton(family, text.c_str(), bytes.data()) != 1) throw std::invalid_argument{text};
    return {bytes.data(), family == AF_INET ? 4U : 16U};
}

std::uint32_t checksum(const std::string& head) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < head.size(); i += 2) {
        sum += static_cast<std::uint32_t>(static_cast<unsigned char>(head[i]) << 8 |
                                          static_cast<unsigned char>(head[i + 1]));
    }
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    return ~sum & 0xFFFF;
}

// Long enough for a frame without padding, which br_netfilter takes off.
std::string udp(std::uint16_t from, std::uint16_t to) {
    const std::string content(32, 'x');
    return number_bytes(from, 2) + number_bytes(to, 2) +
           number_bytes(static_cast<std::uint32_t>(8 + content.size()), 2) + number_bytes(0, 2) + content;
}

std::string ipv6(int next_header, const std::string& source, const std::string& content) {
    return number_bytes(0x60000000, 4) + number_bytes(static_cast<std::uint32_t>(content.size()), 2) +
           number_bytes(static_cast<std::uint32_t>(next_header), 1) + number_bytes(255, 1) +
           address_bytes(AF_INET6, source) + address_bytes(AF_INET6, "ff02::1") + content;
}

}  // namespace

std::string number_bytes(std::uint32_t number, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> (8 * i));
    return text;
}

std::string mac_bytes(const std::string& mac) {
    std::string bytes;
    for (std::size_t i = 0; i < 6; ++i) bytes += static_cast<char>(std::stoi(mac.substr(3 * i, 2), nullptr, 16));
    return bytes;
}

Frame ether(const std::string& source, std::uint16_t type, const std::string& content) {
    Frame frame = std::string(6, '\xFF') + mac_bytes(source) + number_bytes(type, 2) + content;
    if (frame.size() < 60) frame.resize(60);
    return frame;
}

Frame arp(const std::string& source, const std::string& sender_mac, const std::string& sender_ip) {
    return ether(source, 0x0806,
                 number_bytes(1, 2) + number_bytes(0x0800, 2) + number_bytes(6, 1) + number_bytes(4, 1) +
                     number_bytes(1, 2) + mac_bytes(sender_mac) + address_bytes(AF_INET, sender_ip) +
                     std::string(6, '\0') + address_bytes(AF_INET, "192.0.2.1"));
}

Frame udp4(const std::string& source, const std::string& address, std::uint16_t from, std::uint16_t to) {
    const auto content = udp(from, to);
    auto head = number_bytes(0x4500, 2) + number_bytes(static_cast<std::uint32_t>(20 + content.size()), 2) +
                number_bytes(0, 4) + number_bytes(64, 1) + number_bytes(17, 1) + number_bytes(0, 2) +
                address_bytes(AF_INET, address) + address_bytes(AF_INET, "255.255.255.255");
    head.replace(10, 2, number_bytes(checksum(head), 2));  // br_netfilter drops a frame with a wrong one
    return ether(source, 0x0800, head + content);
}

Frame udp6(const std::string& source, const std::string& address) {
    return ether(source, 0x86DD, ipv6(17, address, udp(5000, 5001)));
}

Frame neighbour6(const std::string& source, const std::string& address) {
    const auto content = number_bytes(135, 1) + std::string(7, '\0') + address_bytes(AF_INET6, "2001:db8::1");
    return ether(source, 0x86DD, ipv6(58, address, content));
}

Frame report6(const std::string& source, const std::string& address) {
    const auto router_alert =
        number_bytes(58, 1) + number_bytes(0, 1) + number_bytes(0x05020000, 4) + number_bytes(0x0100, 2);
    return ether(source, 0x86DD, ipv6(0, address, router_alert + number_bytes(143, 1) + std::string(7, '\0')));
}

Frame tagged(const Frame& frame, std::uint16_t tag_type, std::uint16_t vlan) {
    return frame.substr(0, 12) + number_bytes(tag_type, 2) + number_bytes(vlan, 2) + frame.substr(12);
}

}  // namespace fip::test
