#include "guard/generation.hpp"

#include "guard/file.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace fip::guard {
namespace {

struct Question {
    nlmsghdr head;
    nfgenmsg family;
};

bool ask(const File& socket) {
    Question question{};
    question.head.nlmsg_len = sizeof question;
    question.head.nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN;
    question.head.nlmsg_flags = NLM_F_REQUEST;
    question.family.version = NFNETLINK_V0;
    return ::send(socket.get(), &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
}

std::optional<std::uint32_t> find_number(const char* text, std::size_t size) {
    nlmsghdr head{};
    if (size < sizeof(Question)) return {};
    std::memcpy(&head, text, sizeof head);
    if (head.nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN) || head.nlmsg_len > size) return {};
    for (std::size_t at = sizeof(Question); at + sizeof(nlattr) <= head.nlmsg_len;) {
        nlattr attribute{};
        std::memcpy(&attribute, text + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > head.nlmsg_len) return {};
        std::uint32_t number = 0;
        if (attribute.nla_type == NFTA_GEN_ID && attribute.nla_len == sizeof attribute + sizeof number) {
            std::memcpy(&number, text + at + sizeof attribute, sizeof number);
            return ntohl(number);
        }
        at += NLA_ALIGN(attribute.nla_len);
    }
    return {};
}

}  // namespace

std::optional<std::uint32_t> ruleset_generation() noexcept {
    const File socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
    const timeval limit{0, 200'000};
    if (socket.get() < 0 || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return {};
    if (!ask(socket)) return {};
    std::array<char, 512> answer{};
    const auto size = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (size <= 0) return {};
    return find_number(answer.data(), static_cast<std::size_t>(size));
}

}  // namespace fip::guard
