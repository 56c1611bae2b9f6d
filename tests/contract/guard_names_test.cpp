// Devices may have almost any name.
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include "support/process.hpp"

using namespace fip;
using namespace fip::test;

TEST_CASE("a device of any legal name can be an uplink") {
    GuardGround ground;
    const std::string name = GENERATE(as<std::string>{}, "enp0s31f6", "a\"b", "eth*", "*", "$x{y}", "accept", "1", "-f",
                                      "fifteen_bytes_x", "\xC3\xA9th0", "a\\", "any", "0x10", "a;b#", "\x01\x7F");
    INFO(name);
    GuardGround::ip("link del up0");
    GuardGround::add_veth("up0", "far0");
    GuardGround::ip("link set up0 down");
    CHECK(run({{"ip", "link", "set", "dev", "up0", "name", name}}).exit_code == 0);
    CHECK(run({{"ip", "link", "set", "dev", name, "master", "br0", "up"}}).exit_code == 0);
    guard::NftGuard guard;
    auto rules = rules_of_up0();
    rules.uplink = name;
    guard.apply({rules});
    guard.apply({rules});
    CHECK(guard.state() == std::vector<UplinkState>{{name, GuardMode::enforce, true, 3}});
    CHECK(guard.passes(name, Mac::parse(web_mac)));
    CHECK_FALSE(guard.passes(name, Mac::parse(foreign_mac)));
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10"), name));
    CHECK(ground.leaves(udp4(web_mac, "192.0.2.10")));
    CHECK(ground.leaves(udp6(web_mac, "2001:db8:5::1")));
    for (const auto& row : guard.blocked()) CHECK(row.uplink == name);
    CHECK(guard.blocked().size() == 2);
}

TEST_CASE("a name that nft reads as something else is refused before anything is written") {
    GuardGround ground;
    guard::NftGuard guard;
    const std::string name = GENERATE(as<std::string>{}, "tcp", "@set", "a\\*", "", "a b", "a/b", "sixteen_bytes_xx",
                                      std::string("a\0b", 3));
    auto rules = rules_of_up0();
    rules.uplink = name;
    CHECK_THROWS_AS(guard.apply({rules_of_up0(), rules}), GuardError);
    CHECK(GuardGround::nft({"list", "ruleset"}).empty());
}
