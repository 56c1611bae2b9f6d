#include "simulators/switch/port.hpp"

#include "core/errors.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace fip::sim {
namespace {

constexpr std::size_t header_size = 10;  // struct virtio_net_hdr, whose own header is no C++
constexpr int receive_buffer = 64 << 20;
constexpr int ignore_outgoing = 23;  // PACKET_IGNORE_OUTGOING, which glibc's header lacks

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

template <typename Value>
void set_option(int socket, int level, int option, const Value& value, const char* what) {
    if (::setsockopt(socket, level, option, &value, sizeof value) != 0) fail(what);
}

Descriptor open_socket(const std::string& device) {
    const auto index = ::if_nametoindex(device.c_str());
    if (index == 0) fail("device " + device);
    // Protocol 0: nothing is received before the options are set.
    Descriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int number = socket.number();
    if (number < 0) fail("AF_PACKET");
    set_option(number, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
    set_option(number, SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA");
    set_option(number, SOL_PACKET, ignore_outgoing, 1, "PACKET_IGNORE_OUTGOING");
    set_option(number, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer, "SO_RCVBUFFORCE");
    set_option(number, SOL_SOCKET, SO_SNDBUFFORCE, receive_buffer, "SO_SNDBUFFORCE");
    set_option(number, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
    packet_mreq everything{};
    everything.mr_ifindex = static_cast<int>(index);
    everything.mr_type = PACKET_MR_PROMISC;
    set_option(number, SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything, "PACKET_MR_PROMISC");
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(index);
    if (::bind(number, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) fail("bind " + device);
    return socket;
}

template <typename Value>
Value payload(const cmsghdr& message) {
    Value value{};
    std::memcpy(&value, CMSG_DATA(&message), sizeof value);
    return value;
}

void read_ancillary(msghdr& message, Port::Received& received) {
    received.arrived = std::chrono::system_clock::now();
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_TIMESTAMPNS) {
            const auto time = payload<timespec>(*part);
            received.arrived = Moment{std::chrono::duration_cast<Moment::duration>(
                std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec})};
        } else if (part->cmsg_level == SOL_PACKET && part->cmsg_type == PACKET_AUXDATA) {
            received.is_tagged = (payload<tpacket_auxdata>(*part).tp_status & TP_STATUS_VLAN_VALID) != 0;
        }
    }
}

}  // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
}

PortPlan PortPlan::parse(std::string_view text) {
    const auto equals = text.find('=');
    const auto comma = std::min(text.find(','), text.size());
    if (equals == text.npos || equals == 0 || equals + 1 >= comma) throw InputError{"a port is NAME=DEVICE[,...]"};
    PortPlan plan{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1, comma - equals - 1)}};
    for (auto rest = text.substr(comma); !rest.empty();) {
        rest.remove_prefix(1);
        const auto field = rest.substr(0, std::min(rest.find(','), rest.size()));
        rest.remove_prefix(field.size());
        if (field.starts_with("server=")) {
            plan.server = Address::parse(field.substr(7));
        } else if (field.starts_with("mac=")) {
            plan.mac = Mac::parse(field.substr(4));
        } else {
            throw InputError{"a port has no field " + std::string{field}};
        }
    }
    if (plan.server.has_value() != plan.mac.has_value()) throw InputError{"a server's port needs server= and mac="};
    return plan;
}

Port::Port(PortPlan chosen) : plan{std::move(chosen)}, socket_{open_socket(plan.device)} {}

std::optional<Port::Received> Port::receive(std::span<std::uint8_t> buffer) {
    alignas(cmsghdr) std::array<char, 256> ancillary{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.data();
    message.msg_controllen = ancillary.size();
    const auto size = ::recvmsg(socket_.number(), &message, 0);
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return std::nullopt;
        if (errno == EINVAL) ++record.unreadable;  // a kind of segmentation that the header cannot say
        return std::nullopt;
    }
    Received received;
    received.whole = buffer.first(static_cast<std::size_t>(size));
    received.frame = received.whole.size() > header_size ? received.whole.subspan(header_size) : Bytes{};
    read_ancillary(message, received);
    return received;
}

void Port::send(std::span<const std::uint8_t> whole) {
    if (state == State::unplugged) return;
    if (::send(socket_.number(), whole.data(), whole.size(), 0) == static_cast<ssize_t>(whole.size())) {
        ++record.sent;
    } else if (errno == ENXIO || errno == ENODEV) {
        unplug();
    } else if (errno != ENETDOWN) {  // at the far end the cable hangs loose: nothing that we could lose
        ++record.unsent;
    }
}

void Port::look() {
    if (state == State::unplugged) return;
    tpacket_stats counted{};
    socklen_t size = sizeof counted;
    if (::getsockopt(socket_.number(), SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0)
        record.lost += counted.tp_drops;
    sockaddr_ll at{};
    size = sizeof at;
    // A device that goes takes its index along; the socket hears only that it is down.
    if (::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&at), &size) == 0 && at.sll_ifindex <= 0) unplug();
}

void Port::unplug() {
    state = State::unplugged;
    socket_ = Descriptor{};
}

}  // namespace fip::sim
