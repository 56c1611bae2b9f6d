#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

const auto hand_made = Mac::parse("52:54:00:aa:bb:01");

/// A provider's console where a person made a MAC before failover-ip came.
struct ByHand : World {
    ByHand() {
        add_addresses(4);
        account->at("203.0.113.2").mac = hand_made;
        account->at("203.0.113.2").reverse = "old.example.com";
    }
};

}  // namespace

TEST_CASE("a hand-made guest is adopted, and nothing is written for it") {
    ByHand host;
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)});
    (void)host.settle_once();
    const int writes = host.account->writes();
    host.look(web);
    const auto leases = host.held_by(web);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].is_adopted);
    CHECK(leases[0].state == LeaseState::active);
    CHECK(leases[0].address.text() == "203.0.113.2");
    CHECK(host.account->writes() == writes);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.2").mac == hand_made);
    CHECK(host.account->at("203.0.113.2").reverse == "old.example.com");
}

TEST_CASE("an adopted guest that asks for a name gets it, and gives it back at its end") {
    ByHand host;
    host.start_daemon();
    Request request;
    request.hostname = "web.example.com";
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)}, request);
    host.look(web);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.2").reverse == "web.example.com");
    host.guests.undefine(web);
    host.heard_gone(web);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.2").reverse == "");
    CHECK_FALSE(host.account->at("203.0.113.2").mac);
}

TEST_CASE("a registered MAC that two guests wear is nobody's until one of them is changed") {
    ByHand host;
    host.start_daemon();
    const auto first = host.guests.define("u-1", "one", {FakeGuests::nic("br0", hand_made)});
    const auto second = host.guests.define("u-2", "two", {FakeGuests::nic("br0", hand_made)});
    host.look(first);
    host.look(second);
    for (const auto& guest : {first, second}) {
        for (const auto& lease : host.held_by(guest)) CHECK(lease.address.text() != "203.0.113.2");
    }
    CHECK(host.account->at("203.0.113.2").mac == hand_made);
}

TEST_CASE("a hand-made group is adopted whole") {
    ByHand host;
    host.account->at("203.0.113.3").mac = hand_made;
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)});
    host.look(web);
    host.run_until_quiet();
    const auto leases = host.held_by(web);
    REQUIRE(leases.size() == 2);
    CHECK(leases[0].mac == hand_made);
    CHECK(leases[1].mac == hand_made);
    CHECK(leases[1].ordinal == 1);
    CHECK(host.guests.at(web).records.at(0).addresses.size() == 2);
}

TEST_CASE("a guest that arrives running is adopted and its address moved here") {
    ByHand host;
    host.account->at("203.0.113.2").server = other_server;
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)});
    host.guests.start(web);
    host.look(web);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.2").server == this_server);
    CHECK(host.account->at("203.0.113.2").mac == hand_made);
    CHECK(host.held_by(web).at(0).state == LeaseState::active);
    CHECK(host.mac_of(web) == hand_made);
}

TEST_CASE("a stopped guest does not pull an address from another server") {
    ByHand host;
    host.account->at("203.0.113.2").server = other_server;
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)});
    host.look(web);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.2").server == other_server);
}

TEST_CASE("a second wearer of a leased MAC gets an address of its own") {
    World host;
    host.add_addresses(4);
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0")});
    host.look(web);
    const auto mac = host.mac_of(web);
    const auto copy = host.guests.define("u-copy", "copy", {FakeGuests::nic("br0", mac)});
    host.look(copy);
    CHECK(host.mac_of(web) == mac);
    CHECK(host.mac_of(copy) != mac);
    CHECK(host.held_by(copy).at(0).mac == host.mac_of(copy));
    host.run_until_quiet();
    CHECK(host.broken_rule() == "");
}

TEST_CASE("on a first run guests that fit are adopted, and the others wait for a person") {
    ByHand host;
    const auto fits = host.guests.define("u-1", "fits", {FakeGuests::nic("br0", hand_made)});
    const auto other = host.guests.define("u-2", "other", {FakeGuests::nic("br0")});
    (void)host.settle_once();
    const auto before = host.guests.all();
    (void)host.compare();
    host.run_until_quiet();
    (void)host.compare();
    CHECK(host.held_by(fits).size() == 1);
    CHECK(host.held_by(other).empty());
    CHECK(host.guests.at(other).nics == before.at(other).nics);
    CHECK(host.guests.at(other).records.empty());
    CHECK(host.guests.at(fits).records.empty());

    SECTION("and one that comes later is served at once") {
        const auto later = host.guests.define("u-3", "later", {FakeGuests::nic("br0")});
        host.look(later);
        CHECK(host.held_by(later).size() == 1);
    }
    SECTION("until reconcile is run") {
        (void)host.compare({true, false});
        CHECK(host.held_by(other).size() == 1);
        CHECK(host.guests.at(other).records.size() == 1);
        CHECK(host.guests.at(fits).records.size() == 1);
    }
}

TEST_CASE("guests that are not managed are never written to") {
    World host;
    host.add_addresses(4);
    host.start_daemon();
    auto tagged = FakeGuests::nic("br0");
    tagged.is_tagged = true;
    Request off;
    off.is_enabled = false;
    const auto one = host.guests.define("u-1", "tagged", {tagged});
    const auto two = host.guests.define("u-2", "elsewhere", {FakeGuests::nic("br1")});
    const auto three = host.guests.define("u-3", "off", {FakeGuests::nic("br0")}, off);
    const auto four = host.guests.define("u-4", "odd", {FakeGuests::nic("br0")});
    host.guests.at(four).problem = "its request has addresses=\"many\"";
    const auto before = host.guests.all();
    (void)host.compare();
    host.run_until_quiet();
    for (const auto& guest : {one, two, three, four}) {
        CHECK(host.guests.at(guest).nics == before.at(guest).nics);
        CHECK(host.guests.at(guest).records.empty());
        CHECK(host.held_by(guest).empty());
    }
}

TEST_CASE("a group that arrives is moved whole") {
    ByHand host;
    for (const auto* address : {"203.0.113.2", "203.0.113.3"}) {
        host.account->at(address).mac = hand_made;
        host.account->at(address).server = other_server;
    }
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", hand_made)});
    host.guests.start(web);
    host.look(web);
    host.run_until_quiet();
    REQUIRE(host.held_by(web).size() == 2);
    for (const auto& lease : host.held_by(web)) {
        CHECK(lease.state == LeaseState::active);
        CHECK(host.account->addresses.at(lease.address).server == this_server);
    }
    CHECK(host.account->calls[ApiCall::route] == 1);
}

TEST_CASE("a guest that is held back and loses a NIC keeps what it has, and stops nobody") {
    ByHand host;
    const auto second = Mac::parse("52:54:00:aa:bb:02");
    host.account->at("203.0.113.3").mac = second;
    const auto two =
        host.guests.define("u-1", "two", {FakeGuests::nic("br0", hand_made), FakeGuests::nic("br0", second)});
    (void)host.settle_once();
    (void)host.compare();
    REQUIRE(host.held_by(two).size() == 2);
    host.guests.at(two).nics.erase(host.guests.at(two).nics.begin());
    CHECK_NOTHROW(host.look(two));
    CHECK(host.held_by(two).size() == 2);
    (void)host.compare({true, false});
    CHECK(host.held_by(two).size() == 1);
}
