#include "guard/netlink_reader.hpp"

#include "guard/nft_rules.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace fip::guard {
namespace {

constexpr std::size_t mac_size = 6;
// Every message of nf_tables has its table's name there: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE...
constexpr std::uint16_t table_attribute = NFTA_TABLE_NAME;

// The attributes of a message by type; a second of a type is ignored, as is what does not fit.
template <std::size_t Count>
std::array<const nlattr*, Count> attributes(const nlmsghdr& message, std::size_t head) {
    using Found = std::array<const nlattr*, Count>;
    Found found{};
    if (mnl_nlmsg_get_payload_len(&message) < head) return found;
    const auto note = [](const nlattr* attribute, void* data) {
        auto& all = *static_cast<Found*>(data);
        const auto type = mnl_attr_get_type(attribute);
        if (type < Count && all[type] == nullptr) all[type] = attribute;
        return MNL_CB_OK;
    };
    mnl_attr_parse(&message, static_cast<unsigned>(head), note, &found);
    return found;
}

template <typename Head>
const Head* head_of(const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(Head)) return nullptr;
    return static_cast<const Head*>(mnl_nlmsg_get_payload(&message));
}

std::string_view bytes(const nlattr* attribute) {
    if (attribute == nullptr) return {};
    return {static_cast<const char*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
}

// Up to its NUL, and no further than the attribute.
std::string text(const nlattr* attribute) {
    const auto all = bytes(attribute);
    return std::string{all.substr(0, all.find('\0'))};
}

std::string printable(std::string name) {
    constexpr std::size_t longest = 15;
    if (name.size() > longest) name.resize(longest);
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
    return name;
}

std::uint32_t big_endian(const nlattr* attribute) {
    std::uint32_t value = 0;
    const auto all = bytes(attribute);
    if (all.size() != 4) return 0;
    for (const char c : all) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::uint32_t native(const nlattr* attribute) {
    return bytes(attribute).size() == 4 ? mnl_attr_get_u32(attribute) : 0;
}

std::optional<Mac> mac_from(std::string_view address) {
    if (address.size() < mac_size) return {};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string mac;
    for (const char byte : address.substr(0, mac_size)) {
        const auto c = static_cast<unsigned char>(byte);
        if (!mac.empty()) mac += ':';
        mac += digits[c >> 4];
        mac += digits[c & 15];
    }
    return Mac::try_parse(mac);
}

}  // namespace

// Not mnl_nlmsg_ok(): libmnl 1.0.4 takes a length of 2 GiB for a negative one, and goes backwards for ever.
void NetlinkReader::read(std::span<const std::byte> datagram, Clock::time_point now) {
    while (datagram.size() >= sizeof(nlmsghdr)) {
        const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
        const std::size_t length = message->nlmsg_len;
        if (length < sizeof(nlmsghdr) || length > datagram.size()) return;
        if (is_full()) return lose();
        read_message(*message, now);
        datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(length), datagram.size()));
    }
}

void NetlinkReader::read_message(const nlmsghdr& message, Clock::time_point now) {
    const auto type = message.nlmsg_type;
    if (type == RTM_NEWLINK || type == RTM_DELLINK) return read_link(message);
    if (NFNL_SUBSYS_ID(type) == NFNL_SUBSYS_NFTABLES) {
        return NFNL_MSG_TYPE(type) == NFT_MSG_NEWGEN ? read_generation(message) : read_rules(message);
    }
    if (NFNL_SUBSYS_ID(type) == NFNL_SUBSYS_ULOG && NFNL_MSG_TYPE(type) == NFULNL_MSG_PACKET)
        read_blocked(message, now);
}

void NetlinkReader::read_rules(const nlmsghdr& message) {
    const auto* head = head_of<nfgenmsg>(message);
    if (head == nullptr || (head->nfgen_family != NFPROTO_BRIDGE && head->nfgen_family != NFPROTO_NETDEV)) return;
    const auto found = attributes<table_attribute + 1>(message, sizeof(nfgenmsg));
    is_ours_ = is_ours_ || text(found[table_attribute]) == table_name;
}

// The last message of a batch; it names the process.
void NetlinkReader::read_generation(const nlmsghdr& message) {
    if (!std::exchange(is_ours_, false)) return;
    const auto found = attributes<NFTA_GEN_MAX + 1>(message, sizeof(nfgenmsg));
    events_.emplace_back(RulesChanged{big_endian(found[NFTA_GEN_ID]),
                                      static_cast<pid_t>(big_endian(found[NFTA_GEN_PROC_PID])),
                                      printable(text(found[NFTA_GEN_PROC_NAME]))});
}

void NetlinkReader::read_link(const nlmsghdr& message) {
    const auto* head = head_of<ifinfomsg>(message);
    if (head == nullptr) return;
    const auto found = attributes<IFLA_MASTER + 1>(message, sizeof(ifinfomsg));
    const Device now{text(found[IFLA_IFNAME]), std::string{bytes(found[IFLA_ADDRESS])}, native(found[IFLA_MASTER])};
    if (now.name.empty()) return;
    const auto index = static_cast<std::uint32_t>(head->ifi_index);
    if (message.nlmsg_type == RTM_DELLINK) {
        // Of family bridge: it left its bridge, and is still there.
        devices_.erase(index);
        events_.emplace_back(LinkChanged{now.name});
        return;
    }
    if (devices_.size() >= most_devices) devices_.clear();
    auto& known = devices_[index];
    if (known == now) return;
    if (!known.name.empty() && known.name != now.name) events_.emplace_back(LinkChanged{known.name});
    known = now;
    events_.emplace_back(LinkChanged{now.name});
}

void NetlinkReader::read_blocked(const nlmsghdr& message, Clock::time_point now) {
    const auto* head = head_of<nfgenmsg>(message);
    if (head == nullptr) return;
    const auto found = attributes<NFULA_MAX + 1>(message, sizeof(nfgenmsg));
    FrameBlocked frame;
    std::string_view ethernet;
    if (head->nfgen_family == NFPROTO_BRIDGE) {
        // The plain indices are the bridge, where the kernel has br_netfilter, and else the ports.
        const auto* out = found[NFULA_IFINDEX_PHYSOUTDEV];
        const auto* in = found[NFULA_IFINDEX_PHYSINDEV];
        frame.uplink = device_name_(big_endian(out != nullptr ? out : found[NFULA_IFINDEX_OUTDEV]));
        frame.port = device_name_(big_endian(in != nullptr ? in : found[NFULA_IFINDEX_INDEV]));
        ethernet = bytes(found[NFULA_L2HDR]);
    } else if (head->nfgen_family == NFPROTO_NETDEV) {
        frame.uplink = device_name_(big_endian(found[NFULA_IFINDEX_OUTDEV]));
        frame.is_raw = true;
        ethernet = bytes(found[NFULA_PAYLOAD]);
    }
    const auto mac = mac_from(ethernet.substr(std::min(mac_size, ethernet.size())));
    if (frame.uplink.empty() || !mac) return;
    frame.mac = *mac;
    if (!was_told(frame, now)) events_.emplace_back(std::move(frame));
}

// At an observed uplink the last wall sees again what the bridge table saw.
bool NetlinkReader::was_told(const FrameBlocked& frame, Clock::time_point now) {
    constexpr std::chrono::minutes long_enough{11};
    const std::pair key{frame.uplink, frame.mac};
    if (frame.is_raw) {
        const auto found = told_.find(key);
        return found != told_.end() && now - found->second < long_enough;
    }
    if (told_.size() >= most_senders && !told_.contains(key)) {
        std::erase_if(told_, [&](const auto& one) { return now - one.second >= long_enough; });
        if (told_.size() >= most_senders) told_.clear();
    }
    told_[key] = now;
    return false;
}

}  // namespace fip::guard
