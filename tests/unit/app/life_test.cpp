#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

TEST_CASE("a guest gets an address with MAC and name when it is defined, and gives all back") {
    World host;
    host.add_addresses(4);
    host.start_daemon();
    const int writes_before = host.account->writes();

    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0")});
    host.look(web);
    SECTION("from the warm stock, without waiting for the provider") {
        const auto leases = host.held_by(web);
        REQUIRE(leases.size() == 1);
        CHECK(leases[0].state == LeaseState::active);
        CHECK(host.mac_of(web) == leases[0].mac);
        CHECK(host.account->addresses.at(leases[0].address).mac == leases[0].mac);
        CHECK(host.account->writes() == writes_before);
    }
    host.run_until_quiet();
    const auto lease = host.held_by(web).at(0);
    CHECK(host.mac_of(web) == lease.mac);
    CHECK(lease.rdns == RdnsState::set);
    CHECK(host.account->addresses.at(lease.address).reverse == "web.vm.example.com");
    CHECK(host.guests.at(web).records.at(0).addresses.at(0).address == lease.address);

    host.guests.undefine(web);
    host.heard_gone(web);
    host.run_until_quiet();
    const auto& entry = host.account->addresses.at(lease.address);
    CHECK_FALSE(entry.mac);
    CHECK(entry.reverse.empty());
    CHECK(host.row(lease.address.text())->state == LeaseState::cooling);
    host.clock.advance(6min);
    host.run_until_quiet();
    CHECK(host.held().empty());
    CHECK(host.broken_rule() == "");
    // Its own MAC was made before it came: name set, name reset, MAC deleted, and one MAC for the stock's successor.
    CHECK(host.account->writes() - writes_before <= 5);
}
