// Netlink messages as bytes: recorded by hand, so that they can be cut and damaged.
#include "guard/netlink_reader.hpp"

#include <catch2/catch.hpp>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <random>

using namespace fip;
using namespace fip::guard;

namespace {

constexpr std::uint8_t bridge_family = 7;
constexpr std::uint8_t netdev_family = 5;
const auto now = NetlinkReader::Clock::time_point{} + std::chrono::hours{100};

std::string raw(const void* from, std::size_t size) {
    return {static_cast<const char*>(from), size};
}

std::string big(std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
}

std::string attribute(std::uint16_t type, const std::string& value) {
    const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type};
    auto text = raw(&head, sizeof head) + value;
    text.resize((text.size() + 3) & ~std::size_t{3});
    return text;
}

std::string message(int type, const std::string& content) {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + content.size());
    head.nlmsg_type = static_cast<std::uint16_t>(type);
    return raw(&head, sizeof head) + content;
}

std::string nf(int subsystem, int type, std::uint8_t family, const std::string& attributes) {
    const nfgenmsg head{family, 0, 0};
    return message(subsystem << 8 | type, raw(&head, sizeof head) + attributes);
}

std::string change(std::uint8_t family, const std::string& table) {
    return nf(NFNL_SUBSYS_NFTABLES, NFT_MSG_DELTABLE, family, attribute(NFTA_TABLE_NAME, table + '\0'));
}

std::string generation(std::uint32_t pid, const std::string& program) {
    return nf(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN, 0,
              attribute(NFTA_GEN_ID, big(100 + pid)) + attribute(NFTA_GEN_PROC_PID, big(pid)) +
                  attribute(NFTA_GEN_PROC_NAME, program + '\0'));
}

std::string link(int type, int index, const std::string& name, const std::string& address, std::uint32_t master) {
    ifinfomsg head{};
    head.ifi_index = index;
    return message(type, raw(&head, sizeof head) + attribute(IFLA_IFNAME, name + '\0') +
                             attribute(IFLA_ADDRESS, address) + attribute(IFLA_MASTER, raw(&master, sizeof master)));
}

std::string blocked(std::uint32_t uplink, std::uint32_t port, const std::string& mac) {
    return nf(NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET, bridge_family,
              attribute(NFULA_IFINDEX_OUTDEV, big(uplink)) +
                  (port == 0 ? "" : attribute(NFULA_IFINDEX_INDEV, big(port))) +
                  attribute(NFULA_L2HDR, std::string(6, '\xFF') + mac + "\x88\xB5"));
}

std::string raw_blocked(std::uint32_t uplink, const std::string& mac) {
    return nf(NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET, netdev_family,
              attribute(NFULA_IFINDEX_OUTDEV, big(uplink)) +
                  attribute(NFULA_PAYLOAD, std::string(6, '\xFF') + mac + "\x88\xB5 and more"));
}

class Ear {
public:
    std::vector<GuardEvent> hear(const std::string& bytes, std::chrono::minutes later = {}) {
        const auto raw = std::as_bytes(std::span{bytes});
        const std::vector<std::byte> aligned(raw.begin(), raw.end());
        reader_.read(aligned, now + later);
        return reader_.take();
    }

private:
    NetlinkReader reader_{[](std::uint32_t index) {
        return index == 4 ? std::string{"up0"} : index == 5 ? std::string{"p0"} : std::string{};
    }};
};

using Events = std::vector<GuardEvent>;
const std::string mac("\x02\x00\x00\x00\x66\x66", 6);
const std::string other_mac("\x02\x00\x00\x00\x66\x67", 6);

}  // namespace

TEST_CASE("a batch that names our table is told with its process") {
    Ear ear;
    CHECK(ear.hear(change(bridge_family, "failover_ip") + generation(42, "nft")) ==
          Events{RulesChanged{142, 42, "nft"}});
    CHECK(ear.hear(change(netdev_family, "failover_ip")).empty());
    CHECK(ear.hear(change(2, "other") + generation(43, "a\nname of 16 bytes")) ==
          Events{RulesChanged{143, 43, "a?name of 16 by"}});
    CHECK(ear.hear(change(2, "failover_ip") + change(bridge_family, "failover_ip2") + generation(44, "nft")).empty());
}

TEST_CASE("a device is told when its name, address or bridge changes") {
    Ear ear;
    CHECK(ear.hear(link(RTM_NEWLINK, 4, "up0", mac, 0)) == Events{LinkChanged{"up0"}});
    CHECK(ear.hear(link(RTM_NEWLINK, 4, "up0", mac, 0)).empty());
    CHECK(ear.hear(link(RTM_NEWLINK, 4, "up0", mac, 9)) == Events{LinkChanged{"up0"}});
    CHECK(ear.hear(link(RTM_NEWLINK, 4, "up0", other_mac, 9)) == Events{LinkChanged{"up0"}});
    CHECK(ear.hear(link(RTM_NEWLINK, 4, "wan", other_mac, 9)) == Events{LinkChanged{"up0"}, LinkChanged{"wan"}});
    CHECK(ear.hear(link(RTM_DELLINK, 4, "wan", other_mac, 9)) == Events{LinkChanged{"wan"}});
}

TEST_CASE("a blocked frame names uplink, port and sender") {
    Ear ear;
    const auto sender = Mac::parse("02:00:00:00:66:66");
    CHECK(ear.hear(blocked(4, 5, mac)) == Events{FrameBlocked{"up0", "p0", sender, false}});
    CHECK(ear.hear(blocked(4, 0, mac)) == Events{FrameBlocked{"up0", "", sender, false}});
    CHECK(ear.hear(blocked(9, 5, mac)).empty());
    CHECK(ear.hear(blocked(4, 5, std::string("\x03\x00\x00\x00\x66\x66", 6))).empty());
    // What the bridge told of is not raw; a quarter of an hour later it may be.
    CHECK(ear.hear(raw_blocked(4, mac)).empty());
    CHECK(ear.hear(raw_blocked(4, mac), std::chrono::minutes{15}) == Events{FrameBlocked{"up0", "", sender, true}});
    CHECK(ear.hear(raw_blocked(4, other_mac)).size() == 1);
}

TEST_CASE("messages that are cut or damaged are survived") {
    const auto all = change(bridge_family, "failover_ip") + generation(42, "nft") +
                     link(RTM_NEWLINK, 4, "up0", mac, 1) + blocked(4, 5, mac) + raw_blocked(4, other_mac);
    Ear whole;
    CHECK(whole.hear(all).size() == 4);
    for (std::size_t size = 0; size < all.size(); ++size) {
        Ear ear;
        CHECK(ear.hear(all.substr(0, size)).size() < 4);
    }
    std::mt19937 random{7};
    Ear ear;
    for (int i = 0; i < 20'000; ++i) {
        auto damaged = all;
        for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
        CHECK(ear.hear(damaged).size() < 10);
    }
}

TEST_CASE("what is remembered is bounded, and more events than that are lost") {
    NetlinkReader reader{[](std::uint32_t) { return std::string{"up0"}; }};
    std::string many;
    for (int i = 0; i < 5000; ++i) many += link(RTM_NEWLINK, i, "d" + std::to_string(i), mac, 0);
    std::vector<std::byte> bytes(many.size());
    std::memcpy(bytes.data(), many.data(), many.size());
    reader.read(bytes, now);
    const auto events = reader.take();
    CHECK(events.size() == 4097);
    CHECK(events.back() == GuardEvent{EventsLost{}});
}
