#include "guard/net_namespaces.hpp"

#include "guard/file.hpp"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace fip::guard {
namespace {

constexpr std::size_t most_namespaces = 1024;

// One question to rtnetlink: a head, one attribute, and one attribute of the answer.
template <typename Head>
std::optional<std::int32_t> ask(std::uint16_t question, const Head& head, std::uint16_t attribute, std::int32_t value,
                                std::uint16_t wanted) {
    struct {
        nlmsghdr message{};
        Head head{};
        alignas(4) rtattr attribute{};
        std::int32_t value{};
    } out;
    out.message.nlmsg_len = sizeof out;
    out.message.nlmsg_type = question;
    out.message.nlmsg_flags = NLM_F_REQUEST;
    out.head = head;
    out.attribute.rta_type = attribute;
    out.attribute.rta_len = RTA_LENGTH(sizeof value);
    out.value = value;
    const File socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    if (socket.get() < 0 || ::send(socket.get(), &out, sizeof out, 0) < 0) return {};
    alignas(nlmsghdr) std::array<char, 32768> in;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto n = ::recv(socket.get(), in.data(), in.size(), MSG_DONTWAIT);  // the answer is there when send() returns
    const auto* got = reinterpret_cast<const nlmsghdr*>(in.data());
    if (n < static_cast<ssize_t>(NLMSG_SPACE(sizeof(Head))) || got->nlmsg_len > static_cast<std::size_t>(n) ||
        got->nlmsg_len < NLMSG_SPACE(sizeof(Head)) || got->nlmsg_type == NLMSG_ERROR) {
        return {};
    }
    std::size_t at = NLMSG_SPACE(sizeof(Head));
    while (at + sizeof(rtattr) <= got->nlmsg_len) {
        rtattr one{};
        std::memcpy(&one, in.data() + at, sizeof one);
        if (one.rta_len < sizeof one || at + one.rta_len > got->nlmsg_len) return {};
        if ((one.rta_type & NLA_TYPE_MASK) == wanted && one.rta_len == RTA_LENGTH(sizeof(std::int32_t))) {
            std::int32_t answer = 0;
            std::memcpy(&answer, in.data() + at + sizeof one, sizeof answer);
            return answer;
        }
        at += RTA_ALIGN(one.rta_len);
    }
    return {};
}

// The number by which our namespace knows the one with the other end.
std::optional<std::int32_t> link_namespace(const std::string& device) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(::if_nametoindex(device.c_str()));
    if (head.ifi_index == 0) return {};
    const auto number = ask(RTM_GETLINK, head, IFLA_EXT_MASK, 0, IFLA_LINK_NETNSID);
    return number && *number >= 0 ? number : std::nullopt;
}

std::optional<std::int32_t> number_of(const NetNamespace& one) {
    const File file{::open(one.path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.get() < 0) return {};
    return ask(RTM_GETNSID, rtgenmsg{}, NETNSA_FD, file.get(), NETNSA_NSID);
}

bool wears(const Mac& mac) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return false;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, ::freeifaddrs};
    for (const auto* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_PACKET) continue;
        const auto* link = reinterpret_cast<const sockaddr_ll*>(one->ifa_addr);
        if (link->sll_halen == 6 && std::equal(mac.bytes().begin(), mac.bytes().end(), link->sll_addr)) return true;
    }
    return false;
}

// "net:[4026531840]" of what this path opens
std::string identity(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    return "net:[" + std::to_string(status.st_ino) + "]";
}

}  // namespace

std::vector<NetNamespace> other_namespaces(const ProcessTree& processes, const std::filesystem::path& run) {
    std::map<std::string, NetNamespace> found;
    const auto own = processes.net_namespace("self");
    std::error_code none;  // no such folder: no names
    for (std::filesystem::directory_iterator at{run / "netns", none}, end; !none && at != end; at.increment(none)) {
        const auto id = identity(at->path());
        if (!id.empty() && id != own && found.size() < most_namespaces) {
            found.emplace(id, NetNamespace{at->path().filename(), {}, at->path()});
        }
    }
    for (const auto& process : processes.all()) {
        if (processes.is_late()) break;
        const auto id = processes.net_namespace(process);
        if (id.empty() || id == own || (found.size() >= most_namespaces && !found.contains(id))) continue;
        auto& one = found[id];
        if (one.process.empty()) one.process = process;
        if (one.path.empty()) one.path = processes.proc() / process / "ns/net";
    }
    std::vector<NetNamespace> all;
    all.reserve(found.size());
    for (auto& entry : found) all.push_back(std::move(entry.second));
    return all;
}

const NetNamespace* peer_namespace(const std::vector<NetNamespace>& all, const std::string& device) {
    const auto number = link_namespace(device);
    if (!number) return nullptr;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return number_of(one) == number; });
    return found != all.end() ? &*found : nullptr;
}

const NetNamespace* namespace_wearing(const std::vector<NetNamespace>& all, const Mac& mac) {
    const NetNamespace* found = nullptr;
    // Its own thread: that one enters the namespaces, and ends in the last of them.
    std::thread visitor{[&] {
        for (const auto& one : all) {
            const File file{::open(one.path.c_str(), O_RDONLY | O_CLOEXEC)};
            if (file.get() < 0 || ::setns(file.get(), CLONE_NEWNET) != 0 || !wears(mac)) continue;
            found = &one;
            return;
        }
    }};
    visitor.join();
    return found;
}

}  // namespace fip::guard
