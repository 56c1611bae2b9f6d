// Which frames of whom leave by an uplink: every row of DESIGN.md chapter 6.
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

struct Row {
    const char* what;
    Frame frame;
    bool leaves;
};

std::vector<Row> rows_of_a_registered_mac() {
    const auto& web = web_mac;
    const std::string link_local = "fe80::ff:fe00:101";  // of web_mac
    return {
        {"ARP with its address", arp(web, web, "192.0.2.10"), true},
        {"ARP probe", arp(web, web, "0.0.0.0"), true},
        {"ARP with another's address", arp(web, web, "192.0.2.20"), false},
        {"ARP in another's name", arp(web, mail_mac, "192.0.2.20"), false},
        {"ARP with its address in another's name", arp(web, mail_mac, "192.0.2.10"), false},
        {"ARP probe in another's name", arp(web, mail_mac, "0.0.0.0"), false},
        {"ARP cut short", ether(web, 0x0806, "").substr(0, 20), false},
        {"ARP of another hardware",
         [&] {
             auto f = arp(web, web, "192.0.2.10");
             f[15] = 6;
             return f;
         }(),
         false},
        {"ARP with longer addresses",
         [&] {
             auto f = arp(web, web, "192.0.2.10");
             f[18] = 8;
             return f;
         }(),
         false},
        {"IPv4 from its address", udp4(web, "192.0.2.10"), true},
        {"IPv4 from another's", udp4(web, "192.0.2.20"), false},
        {"IPv4 from nobody's", udp4(web, "198.51.100.9"), false},
        {"IPv4 from nowhere", udp4(web, "0.0.0.0"), false},
        {"IPv4 cut short", ether(web, 0x0800, "").substr(0, 20), false},
        {"DHCP", udp4(web, "0.0.0.0", 68, 67), true},
        {"DHCP backwards", udp4(web, "0.0.0.0", 67, 68), false},
        {"IPv6 from its address", udp6(web, "2001:db8::10"), true},
        {"IPv6 from its link-local address", udp6(web, link_local), true},
        {"IPv6 from another link-local address", udp6(web, "fe80::ff:fe00:102"), false},
        {"IPv6 from the pool's prefix", udp6(web, "2001:db8:5:77::1"), true},
        {"IPv6 from next to the pool's prefix", udp6(web, "2001:db8:6::1"), false},
        {"IPv6 from nobody's", udp6(web, "2001:db8::66"), false},
        {"duplicate address detection", neighbour6(web, "::"), true},
        {"multicast report before there is an address", report6(web, "::"), true},
        {"IPv6 from nowhere", udp6(web, "::"), false},
        {"IPv6 cut short", ether(web, 0x86DD, "").substr(0, 30), false},
        {"RARP, which QEMU sends after a migration", ether(web, 0x8035, "announce"), true},
        {"LLDP", ether(web, 0x88CC, "lldp"), true},
        {"an ethertype of its own", ether(web, 0x88B5, "own"), true},
        {"LLC", ether(web, 38, std::string("\x42\x42\x03", 3)), true},
        {"its address in a VLAN", tagged(udp4(web, "192.0.2.10")), false},
        {"another's address in a VLAN", tagged(udp4(web, "192.0.2.20")), false},
        {"another's address in VLAN 0", tagged(udp4(web, "192.0.2.20"), 0x8100, 0), false},
        {"another's address in a provider's VLAN", tagged(udp4(web, "192.0.2.20"), 0x88A8), false},
        {"another's address in two VLANs", tagged(tagged(udp4(web, "192.0.2.20")), 0x88A8), false},
        {"another's address behind an old tag", tagged(udp4(web, "192.0.2.20"), 0x9100), false},
        {"another's ARP in a VLAN", tagged(arp(web, web, "192.0.2.20")), false},
        {"another ethertype in a VLAN", tagged(ether(web, 0x88B5, "own")), false},
    };
}

std::vector<Frame> frames_of_every_kind(const std::string& mac) {
    return {
        arp(mac, mac, "192.0.2.10"),  arp(mac, mac, "0.0.0.0"),        udp4(mac, "192.0.2.10"),
        udp4(mac, "0.0.0.0", 68, 67), udp6(mac, "2001:db8::10"),       neighbour6(mac, "::"),
        ether(mac, 0x8035, "rarp"),   ether(mac, 0x88CC, "lldp"),      ether(mac, 38, std::string("\x42\x42\x03", 3)),
        ether(mac, 0x88B5, "own"),    tagged(udp4(mac, "192.0.2.10")), tagged(udp4(mac, "192.0.2.10"), 0x88A8)};
}

}  // namespace

TEST_CASE("a registered MAC leaves with its own addresses only") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    hand_to_iptables(GENERATE(0, 1));
    for (const auto& row : rows_of_a_registered_mac()) {
        INFO(row.what);
        CHECK(ground.leaves(row.frame) == row.leaves);
    }
}

TEST_CASE("a MAC that is not registered leaves with no ethertype, the host's with every one") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    for (std::size_t i = 0; i < frames_of_every_kind(foreign_mac).size(); ++i) {
        INFO("kind " << i);
        CHECK_FALSE(ground.leaves(frames_of_every_kind(foreign_mac)[i]));
        CHECK(ground.leaves(frames_of_every_kind(host_mac)[i]));
    }
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "br0"));
    CHECK(ground.leaves(udp4(host_mac, "192.0.2.10"), "br0"));
}

TEST_CASE("what goes from guest to guest is not the guard's business") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    const auto& neighbour = ground.wire("g1");
    static_cast<void>(neighbour.received());
    const auto frame = udp4(foreign_mac, "192.0.2.10");
    CHECK_FALSE(ground.leaves(frame));
    const auto got = neighbour.received();
    CHECK(std::count(got.begin(), got.end(), frame) == 1);
}

TEST_CASE("an observed uplink lets everything out, and counts what an enforced one would stop") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0(GuardMode::observe)});
    for (const auto& row : rows_of_a_registered_mac()) {
        INFO(row.what);
        CHECK(ground.leaves(row.frame));
    }
    CHECK(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "g1"));
    CHECK(ground.leaves(udp4(mail_mac, "192.0.2.10"), "br0"));
    CHECK(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "up0"));
    const auto rows = rows_of_a_registered_mac();
    const auto stopped = std::count_if(rows.begin(), rows.end(), [](auto& row) { return !row.leaves; });
    const auto blocked = guard.blocked();
    REQUIRE(blocked.size() == 4);
    const auto find = [&](const std::string& port, const std::string& mac) {
        return *std::find_if(blocked.begin(), blocked.end(),
                             [&](auto& row) { return row.port == port && row.mac.text() == mac; });
    };
    CHECK(find("p0", web_mac).frames == static_cast<std::uint64_t>(stopped));
    CHECK(find("p1", foreign_mac).frames == 1);
    CHECK(find("", mail_mac).frames == 1);
    CHECK_FALSE(find("", mail_mac).is_raw);
    CHECK(find("", foreign_mac).frames == 1);
    CHECK(find("", foreign_mac).is_raw);
    CHECK(guard.state() == std::vector<UplinkState>{{"up0", GuardMode::observe, true, 3}});
}

TEST_CASE("pools on different uplinks do not mix") {
    GuardGround ground;
    GuardGround::ip("link add br1 type bridge stp_state 0 mcast_snooping 0");
    GuardGround::ip("link set br1 up");
    GuardGround::add_port("up1", "far1", "br1");
    GuardGround::add_port("p9", "g9", "br1");
    guard::NftGuard guard;
    auto other = rules_of_up0();
    other.uplink = "up1";
    other.bridge = "br1";
    other.own = {Mac::parse("02:00:00:00:00:02")};
    other.ipv6.clear();
    other.registered = {{Mac::parse(mail_mac), {Address::parse("198.51.100.20")}}};
    guard.apply({rules_of_up0(), other});
    const auto& far = ground.wire("far1");
    const auto leaves_by_up1 = [&](const Frame& frame) {
        ground.wire("g9").send(frame);
        const auto got = far.received();
        return std::count(got.begin(), got.end(), frame) == 1;
    };
    CHECK(leaves_by_up1(udp4(mail_mac, "198.51.100.20")));
    CHECK_FALSE(leaves_by_up1(udp4(mail_mac, "192.0.2.20")));
    CHECK_FALSE(leaves_by_up1(udp4(web_mac, "192.0.2.10")));
    CHECK_FALSE(leaves_by_up1(udp6(mail_mac, "2001:db8:5::1")));
    CHECK_FALSE(leaves_by_up1(udp4(host_mac, "192.0.2.1")));
    CHECK_FALSE(ground.leaves(udp4(mail_mac, "198.51.100.20")));
    CHECK(ground.leaves(udp4(mail_mac, "192.0.2.20")));
}
