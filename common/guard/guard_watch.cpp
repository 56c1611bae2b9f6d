#include "guard/guard_watch.hpp"

#include "guard/netlink_reader.hpp"
#include "guard/nft_rules.hpp"
#include "ports/guard.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace fip::guard {
namespace {

constexpr std::size_t most_bytes = std::size_t{128} << 10;  // of one datagram

[[noreturn]] void fail(const std::string& what) {
    throw GuardError{"the guard cannot be watched: " + what + ": " + std::strerror(errno)};
}

struct CloseSocket {
    void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

Socket open_socket(int bus) {
    Socket socket{mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) fail("netlink");
    // An application with 10,000 MACs is told element by element.
    const int room = 16 << 20;
    static_cast<void>(::setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room));
    return socket;
}

Socket join(int bus, int group) {
    auto socket = open_socket(bus);
    if (mnl_socket_setsockopt(socket.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) fail("netlink group");
    return socket;
}

// One configuration message for our NFLOG group, answered by the kernel.
template <typename Fill>
bool configure(const Socket& socket, const Fill& fill) {
    std::array<char, 256> buffer{};
    auto* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* head = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    head->nfgen_family = AF_UNSPEC;
    head->version = NFNETLINK_V0;
    head->res_id = htons(log_group);
    fill(message);
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return false;
    // The kernel answers before sendto() returns. Frames may be among the answers; the guard tells of them again.
    std::array<char, 8192> answer{};
    for (int i = 0; i < 64; ++i) {
        const auto n = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
        if (n < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof(nlmsgerr))) return false;
        const auto* got = reinterpret_cast<const nlmsghdr*>(answer.data());
        if (got->nlmsg_type != NLMSG_ERROR) continue;
        return static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(got))->error == 0;
    }
    return false;
}

bool bind_log(const Socket& socket) {
    return configure(socket,
                     [](nlmsghdr* message) {
                         const nfulnl_msg_config_cmd bind{NFULNL_CFG_CMD_BIND};
                         mnl_attr_put(message, NFULA_CFG_CMD, sizeof bind, &bind);
                     }) &&
           configure(socket, [](nlmsghdr* message) {
               nfulnl_msg_config_mode mode{};
               mode.copy_range = htonl(64);
               mode.copy_mode = NFULNL_COPY_PACKET;
               mnl_attr_put(message, NFULA_CFG_MODE, sizeof mode, &mode);
               mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htonl(1));  // told at once, not once a second
           });
}

std::string name_of(std::uint32_t index) {
    std::array<char, IF_NAMESIZE> name{};
    return index != 0 && ::if_indextoname(index, name.data()) != nullptr ? std::string{name.data()} : std::string{};
}

}  // namespace

struct GuardWatch::Sockets {
    Socket rules = join(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
    Socket links = join(NETLINK_ROUTE, RTNLGRP_LINK);
    Socket log = open_socket(NETLINK_NETFILTER);
    bool hears_blocked = bind_log(log);
    int epoll = -1;
    NetlinkReader reader{name_of};
    std::vector<std::byte> buffer = std::vector<std::byte>(most_bytes);

    Sockets() : epoll{::epoll_create1(EPOLL_CLOEXEC)} {
        if (epoll < 0) fail("epoll");
        for (const auto* socket : {&rules, &links, &log}) {
            epoll_event event{};
            event.events = EPOLLIN;
            if (::epoll_ctl(epoll, EPOLL_CTL_ADD, mnl_socket_get_fd(socket->get()), &event) != 0) fail("epoll");
        }
    }
    ~Sockets() {
        if (epoll >= 0) ::close(epoll);
    }
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;

    void drain(const Socket& socket);
};

void GuardWatch::Sockets::drain(const Socket& socket) {
    constexpr int most_datagrams = 4096;
    for (int i = 0; i < most_datagrams && !reader.is_full(); ++i) {
        sockaddr_nl from{};
        iovec part{buffer.data(), buffer.size()};
        msghdr head{};
        head.msg_name = &from;
        head.msg_namelen = sizeof from;
        head.msg_iov = &part;
        head.msg_iovlen = 1;
        const auto n = ::recvmsg(mnl_socket_get_fd(socket.get()), &head, 0);
        if (n < 0 && errno == ENOBUFS) {
            reader.lose();
            continue;
        }
        if (n < 0) return;
        if (from.nl_pid != 0) continue;  // not the kernel
        if ((head.msg_flags & MSG_TRUNC) != 0) {
            reader.lose();
            continue;
        }
        reader.read({buffer.data(), static_cast<std::size_t>(n)}, NetlinkReader::Clock::now());
    }
}

GuardWatch::GuardWatch() : sockets_{std::make_unique<Sockets>()} {}
GuardWatch::~GuardWatch() = default;

int GuardWatch::descriptor() const {
    return sockets_->epoll;
}

std::vector<GuardEvent> GuardWatch::read() {
    for (const auto* socket : {&sockets_->rules, &sockets_->links, &sockets_->log}) sockets_->drain(*socket);
    return sockets_->reader.take();
}

bool GuardWatch::hears_blocked() const {
    return sockets_->hears_blocked;
}

}  // namespace fip::guard
