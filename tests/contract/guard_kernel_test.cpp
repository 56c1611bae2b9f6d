// The rules as a whole: what stands, what is counted, what of others is left alone.
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;

TEST_CASE("rules stand until they are removed, and both may be repeated") {
    GuardGround ground;
    guard::NftGuard guard;
    const auto web = Mac::parse(web_mac);
    const auto foreign = Mac::parse(foreign_mac);
    CHECK(guard.state().empty());
    CHECK(guard.passes("up0", foreign));
    CHECK(guard.blocked().empty());
    guard.remove();
    guard.forget_blocked();

    guard.apply({rules_of_up0()});
    const auto once = GuardGround::nft({"list", "ruleset"});
    guard.apply({rules_of_up0()});
    CHECK(GuardGround::nft({"list", "ruleset"}) == once);
    CHECK(guard.state() == std::vector<UplinkState>{{"up0", GuardMode::enforce, true, 3}});
    CHECK(guard.passes("up0", web));
    CHECK(guard.passes("up0", Mac::parse(host_mac)));
    CHECK_FALSE(guard.passes("up0", foreign));
    CHECK(guard.passes("up9", foreign));

    SECTION("an object of another process sees the same") {
        const guard::NftGuard other;
        CHECK(other.state() == guard.state());
        CHECK_FALSE(other.passes("up0", foreign));
    }
    SECTION("by remove()") {
        guard.remove();
        CHECK(GuardGround::nft({"list", "ruleset"}).empty());
        CHECK(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
        guard.remove();
    }
    SECTION("by an apply() of nothing") {
        guard.apply({});
        CHECK(GuardGround::nft({"list", "ruleset"}).empty());
    }
}

TEST_CASE("new rules replace the old ones") {
    GuardGround ground;
    guard::NftGuard guard;
    auto rules = rules_of_up0();
    guard.apply({rules});
    rules.registered.erase(Mac::parse(web_mac));
    rules.registered[Mac::parse(mail_mac)] = {Address::parse("198.51.100.7")};
    rules.ipv6 = {Prefix::parse("2001:db8:5::/64"), Prefix::parse("2001:db8::/32"), Prefix::parse("2001:db8::7/128")};
    guard.apply({rules});
    CHECK_FALSE(ground.leaves(udp4(web_mac, "192.0.2.10")));
    CHECK_FALSE(ground.leaves(udp4(mail_mac, "192.0.2.20")));
    CHECK(ground.leaves(udp4(mail_mac, "198.51.100.7")));
    CHECK(ground.leaves(arp(mail_mac, mail_mac, "198.51.100.7")));
    CHECK(ground.leaves(udp6(mail_mac, "2001:db8:77::1")));
    rules.mode = GuardMode::observe;
    guard.apply({rules});
    CHECK(ground.leaves(udp4(web_mac, "192.0.2.10")));
    CHECK(guard.state() == std::vector<UplinkState>{{"up0", GuardMode::observe, true, 2}});
}

TEST_CASE("blocked frames are counted by sender, through every apply()") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    const auto foreign = udp4(foreign_mac, "192.0.2.10");
    for (int i = 0; i < 3; ++i) CHECK_FALSE(ground.leaves(foreign));
    guard.apply({rules_of_up0()});
    CHECK_FALSE(ground.leaves(foreign));
    CHECK_FALSE(ground.leaves(foreign, "g1"));
    CHECK_FALSE(ground.leaves(foreign, "br0"));
    CHECK_FALSE(ground.leaves(foreign, "up0"));
    CHECK_FALSE(ground.leaves(ether("03:00:00:00:00:01", 0x88B5, "multicast"), "up0"));
    const auto mac = Mac::parse(foreign_mac);
    const auto bytes = static_cast<std::uint64_t>(foreign.size());
    auto blocked = guard.blocked();
    std::sort(blocked.begin(), blocked.end(), [](auto& a, auto& b) {
        return std::pair{a.port, a.is_raw} < std::pair{b.port, b.is_raw};
    });
    CHECK(blocked.size() == 4);
    for (auto& row : blocked) {
        INFO(row.port << " " << row.is_raw << " " << row.frames << " " << row.bytes);
        CHECK(row.uplink == "up0");
        CHECK(row.mac == mac);
        CHECK(row.frames == (row.port == "p0" ? 4U : 1U));
        CHECK(row.bytes >= row.frames * (bytes - 14));
        CHECK((row.port == "p0" || row.port == "p1" || row.port.empty()));
    }
    guard.forget_blocked();
    CHECK(guard.blocked().empty());
    CHECK_FALSE(ground.leaves(foreign));
    CHECK(guard.blocked().size() == 1);
}

TEST_CASE("a thousand senders are counted, and the ones after them are stopped all the same") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    for (std::uint64_t i = 1; i <= 1100; ++i) {
        ground.wire("g0").send(ether(Mac::local(i << 16).text(), 0x88B5, "many"));
    }
    CHECK_FALSE(ground.leaves(ether(Mac::local(std::uint64_t{2000} << 16).text(), 0x88B5, "last")));
    CHECK(ground.leaves(udp4(web_mac, "192.0.2.10")));
    CHECK(guard.blocked().size() == 1024);
}

TEST_CASE("tables of others stay byte for byte") {
    GuardGround ground;
    GuardGround::nft({"-f", "-"}, R"(
        add table inet filter
        add set inet filter s { type ipv4_addr; elements = { 192.0.2.77 }; }
        add chain inet filter input { type filter hook input priority 0; policy accept; }
        add rule inet filter input ip saddr @s counter drop comment "x"
        add table bridge other
        add set bridge other failover_ip { type ether_addr; }
        add chain bridge other forward { type filter hook forward priority -10; }
        add rule bridge other forward ether saddr 02:00:00:00:77:77 counter
        add table netdev filter
        add chain netdev filter egress_up0 { type filter hook egress device "up0" priority 0; }
        add rule netdev filter egress_up0 counter
        add table ip failover_ip
        add chain ip failover_ip c { type filter hook forward priority 5; }
)");
    const auto before = GuardGround::nft({"-s", "list", "ruleset"});
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    auto rules = rules_of_up0();
    rules.registered.clear();
    guard.apply({rules});
    guard.forget_blocked();
    guard.remove();
    CHECK(GuardGround::nft({"-s", "list", "ruleset"}) == before);
}

TEST_CASE("what somebody did to our tables is seen, and the next apply() mends it") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    const std::vector<UplinkState> good{{"up0", GuardMode::enforce, true, 3}};
    CHECK(guard.state() == good);
    const auto breaks =
        GENERATE(as<std::vector<std::string>>{},  //
                 std::vector<std::string>{"flush", "ruleset"},
                 std::vector<std::string>{"flush", "chain", "bridge", "failover_ip", "postrouting"},
                 std::vector<std::string>{"flush", "table", "bridge", "failover_ip"},
                 std::vector<std::string>{"delete", "table", "netdev", "failover_ip"},
                 std::vector<std::string>{"flush", "table", "netdev", "failover_ip"},
                 std::vector<std::string>{"flush", "set", "bridge", "failover_ip", "enforced"},
                 std::vector<std::string>{"add", "rule", "bridge", "failover_ip", "sources", "accept"},
                 std::vector<std::string>{"add", "table", "bridge", "failover_ip", "{ flags dormant; }"},
                 std::vector<std::string>{"add", "table", "netdev", "failover_ip", "{ flags dormant; }"},
                 std::vector<std::string>{"-f", "-"});
    GuardGround::nft(breaks,
                     "flush table bridge failover_ip\n"
                     "delete set bridge failover_ip blocked\n"
                     "add set bridge failover_ip blocked { type ipv4_addr; }\n");
    INFO(breaks.back());
    CHECK(guard.state() != good);
    guard.apply({rules_of_up0()});
    CHECK(guard.state() == good);
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "up0"));
    CHECK(ground.leaves(udp4(web_mac, "192.0.2.10")));
}

TEST_CASE("rules may stand before their uplink does") {
    GuardGround ground;
    GuardGround::ip("link del up0");
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    CHECK(guard.state() == std::vector<UplinkState>{{"up0", GuardMode::enforce, false, 3}});
    GuardGround::add_port("up0", "far0");
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    guard.apply({rules_of_up0()});
    CHECK(guard.state() == std::vector<UplinkState>{{"up0", GuardMode::enforce, true, 3}});
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "up0"));
}
