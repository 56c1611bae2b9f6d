// The egress of the uplink: what never crossed the bridge, and what happens when the device goes.
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "support/wait_until.hpp"

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {
const std::vector<UplinkState> with_last_wall{{"up0", GuardMode::enforce, true, 3}};
const std::vector<UplinkState> without_last_wall{{"up0", GuardMode::enforce, false, 3}};
}  // namespace

TEST_CASE("what a process sends on the uplink itself must be the host's or registered") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    CHECK_FALSE(ground.leaves(ether(foreign_mac, 0x88B5, "raw"), "up0"));
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "up0"));
    CHECK_FALSE(ground.leaves(tagged(udp4(foreign_mac, "192.0.2.10")), "up0"));
    CHECK(ground.leaves(ether(web_mac, 0x88B5, "raw"), "up0"));
    CHECK(ground.leaves(ether(host_mac, 0x88B5, "raw"), "up0"));
}

TEST_CASE("a macvlan on the uplink does not leave with its own MAC") {
    GuardGround ground;
    GuardGround::add_veth("up5", "far5");
    GuardGround::ip("link add mv0 link up5 address " + foreign_mac + " type macvlan mode bridge");
    GuardGround::ip("link set mv0 up");
    guard::NftGuard guard;
    auto rules = rules_of_up0();
    rules.uplink = "up5";
    guard.apply({rules});
    ground.wire("far5");
    ground.wire("mv0").send(ether(foreign_mac, 0x88B5, "macvlan"));
    ground.wire("mv0").send(ether(web_mac, 0x88B5, "known"));
    const auto got = ground.wire("far5").received();
    CHECK(got == std::vector<Frame>{ether(web_mac, 0x88B5, "known")});
}

TEST_CASE("a bridge's own spanning tree frames need the uplink's MAC to be known") {
    GuardGround ground;
    guard::NftGuard guard;
    GuardGround::ip("link set up0 address " + foreign_mac);
    guard.apply({rules_of_up0()});
    const auto& far = ground.wire("far0");
    GuardGround::ip("link set br0 type bridge stp_state 1 hello_time 100");
    REQUIRE(wait_until([&] { return !guard.blocked().empty(); }, 5s));
    const auto blocked = guard.blocked();
    CHECK(blocked[0].port.empty());
    CHECK(blocked[0].mac.text() == foreign_mac);
    CHECK(far.received().empty());
}

TEST_CASE("an uplink that goes and returns is guarded again") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    const auto raw = ether(foreign_mac, 0x88B5, "raw");
    CHECK_FALSE(ground.leaves(raw, "up0"));
    for (int round = 0; round < 3; ++round) {
        GuardGround::ip("link del up0");
        ground.forget_wire("up0");
        ground.forget_wire("far0");
        CHECK(guard.state() == without_last_wall);
        if (round == 1) guard.apply({rules_of_up0()});
        GuardGround::add_port("up0", "far0");
        CHECK_FALSE(ground.leaves(raw, "g0"));
        if (round != 2) guard.apply({rules_of_up0()});
        // Linux 6.16 and later hang the chain on again themselves; earlier ones need the apply().
        if (round == 2 && guard.state() == without_last_wall) guard.apply({rules_of_up0()});
        CHECK(guard.state() == with_last_wall);
        CHECK_FALSE(ground.leaves(raw, "up0"));
        CHECK(ground.leaves(ether(web_mac, 0x88B5, "raw"), "up0"));
    }
    CHECK(guard.blocked().size() == 2);
}

// What a kernel leaves behind that deletes the chain with its device (Debian 12's), or keeps it without one.
TEST_CASE("a last wall that is missing or hangs elsewhere is put up again") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    SECTION("deleted") {
        GuardGround::nft({"delete", "chain", "netdev", "failover_ip", "egress_up0"});
    }
    SECTION("on another device") {
        GuardGround::nft(
            {"-f", "-"},
            "delete chain netdev failover_ip egress_up0\n"
            "add chain netdev failover_ip egress_up0 { type filter hook egress device \"g1\" priority 0; }\n"
            "add rule netdev failover_ip egress_up0 jump check\n");
    }
    SECTION("without a device") {
        GuardGround::nft({"-f", "-"},
                         "delete chain netdev failover_ip egress_up0\nadd chain netdev failover_ip egress_up0\n"
                         "add rule netdev failover_ip egress_up0 jump check\n");
    }
    CHECK(guard.state() == without_last_wall);
    guard.apply({rules_of_up0()});
    CHECK(guard.state() == with_last_wall);
    CHECK_FALSE(ground.leaves(ether(foreign_mac, 0x88B5, "raw"), "up0"));
    CHECK(ground.leaves(ether(foreign_mac, 0x88B5, "far away"), "g1") == false);
}

TEST_CASE("an uplink that was renamed, or is an uplink no more, is let go") {
    GuardGround ground;
    guard::NftGuard guard;
    guard.apply({rules_of_up0()});
    auto rules = rules_of_up0();
    SECTION("renamed") {
        GuardGround::ip("link set up0 down");
        GuardGround::ip("link set up0 name wan");
        GuardGround::ip("link set wan up");
        CHECK(guard.state() == without_last_wall);
        rules.uplink = "wan";
    }
    SECTION("another one") {
        GuardGround::ip("link set p1 name wan");
        rules.uplink = "wan";
    }
    guard.apply({rules});
    CHECK(guard.state() == std::vector<UplinkState>{{"wan", GuardMode::enforce, true, 3}});
    CHECK(GuardGround::nft({"list", "chains", "netdev"}).find("egress_up0") == std::string::npos);
}
