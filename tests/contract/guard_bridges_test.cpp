// Bridges of a real kernel; bonds and VLANs are in unit/guard/bridges_test.cpp.
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

TEST_CASE("a bridge is shown with its ports") {
    GuardGround ground;
    const guard::NftGuard guard;
    GuardGround::ip("link set up0 address 02:00:00:00:00:0a");
    GuardGround::ip("link set p0 address 02:00:00:00:00:0b");
    GuardGround::ip("link set p1 address 02:00:00:00:00:0c");
    const auto bridges = guard.bridges({"br0", "absent", "up0", "", "../net/br0"});
    REQUIRE(bridges.size() == 1);
    const BridgeView expected{"br0",
                              Mac::parse(host_mac),
                              {{"p0", false, Mac::parse("02:00:00:00:00:0b")},
                               {"p1", false, Mac::parse("02:00:00:00:00:0c")},
                               {"up0", false, Mac::parse("02:00:00:00:00:0a")}}};
    CHECK(bridges[0] == expected);
}
