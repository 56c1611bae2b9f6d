#include "app/claim.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

struct Served : World {
    explicit Served(int guests_wanted = 1) {
        add_addresses(guests_wanted + 3);
        start_daemon();
        for (int i = 1; i <= guests_wanted; ++i) {
            const auto number = std::to_string(i);
            ids.push_back(guests.define("u-" + number, "vm" + number, {FakeGuests::nic("br0")}));
            look(ids.back());
            run_until_quiet();
        }
    }
    std::vector<GuestId> ids;
};

}  // namespace

TEST_CASE("a guest that one listing lacks keeps its lease; two of them, a grace apart, end it") {
    Served host;
    host.guests.vanish(host.ids[0]);
    (void)host.compare();
    CHECK(host.held().size() == 1);
    host.clock.advance(9min + 59s);
    (void)host.compare();
    CHECK(host.held().size() == 1);
    host.clock.advance(1s);
    (void)host.compare();
    CHECK(host.held().empty());
}

TEST_CASE("a sighting of another boot counts for nothing, however far the wall clock jumps") {
    Served host;
    host.guests.vanish(host.ids[0]);
    (void)host.compare();
    host.clock.set_wall(host.clock.now().wall + 48h);
    (void)host.compare();
    CHECK(host.held().size() == 1);
    host.clock.reboot();
    host.clock.advance(20min);
    (void)host.compare();
    CHECK(host.held().size() == 1);
    host.clock.advance(10min);
    (void)host.compare();
    CHECK(host.held().empty());
}

TEST_CASE("a guest that is seen again begins anew") {
    Served host;
    const auto saved = host.guests.at(host.ids[0]);
    host.guests.vanish(host.ids[0]);
    (void)host.compare();
    host.guests.define("u-1", "vm1", saved.nics);
    host.clock.advance(5min);
    (void)host.compare();
    host.guests.vanish(host.ids[0]);
    host.clock.advance(6min);
    (void)host.compare();
    CHECK(host.held().size() == 1);
}

TEST_CASE("a guest that was back between two listings begins anew") {
    Served host;
    host.guests.vanish(host.ids[0]);
    (void)host.compare();
    host.guests.define("u-1", "vm1", {FakeGuests::nic("br0")});
    host.look(host.ids[0]);
    host.guests.vanish(host.ids[0]);
    host.clock.advance(11min);
    (void)host.compare();
    CHECK(host.held().size() == 1);
}

TEST_CASE("an incomplete or foreign listing proves nothing") {
    Served host;
    host.guests.vanish(host.ids[0]);
    SECTION("a definition that cannot be read") {
        host.guests.gap = "one definition cannot be read";
        for (int i = 0; i < 3; ++i) {
            (void)host.compare();
            host.clock.advance(1h);
        }
    }
    SECTION("a hypervisor that does not answer") {
        host.guests.is_down = true;
        for (int i = 0; i < 3; ++i) {
            CHECK_THROWS_AS(host.compare(), GuestsUnavailable);
            host.clock.advance(1h);
        }
    }
    SECTION("another host's listing") {
        FakeGuests other{"99999999-2222-3333-4444-555555555555/qemu"};
        for (int i = 0; i < 3; ++i) {
            (void)look_at_all(host.context(), other, Effects::apply, {});
            host.clock.advance(1h);
        }
    }
    CHECK(host.held().size() == 1);
    CHECK(host.broken_rule() == "203.0.113.1 (active) belongs to a guest that is gone");
}

TEST_CASE("the end of more than half of the leases waits for a person") {
    Served host{5};
    for (int i = 0; i < 3; ++i) host.guests.vanish(host.ids[static_cast<std::size_t>(i)]);
    (void)host.compare();
    host.clock.advance(1h);
    const auto braked = host.compare();
    CHECK(host.held().size() == 5);
    CHECK(braked.would_end.size() == 3);
    (void)host.compare({true, false});
    CHECK(host.held().size() == 5);
    (void)host.compare({true, true});
    CHECK(host.held().size() == 2);
}

TEST_CASE("two of three, or half, end without a person") {
    SECTION("two of three") {
        Served host{3};
        host.guests.vanish(host.ids[0]);
        host.guests.vanish(host.ids[1]);
        (void)host.compare();
        host.clock.advance(1h);
        (void)host.compare();
        CHECK(host.held().size() == 1);
    }
    SECTION("three of six") {
        Served host{6};
        for (std::size_t i = 0; i < 3; ++i) host.guests.vanish(host.ids[i]);
        (void)host.compare();
        host.clock.advance(1h);
        (void)host.compare();
        CHECK(host.held().size() == 3);
    }
}

TEST_CASE("an undefine of a running guest ends nothing before it has stopped") {
    Served host;
    const auto& web = host.ids[0];
    host.guests.start(web);
    host.guests.undefine(web);
    host.heard_gone(web);
    host.run_until_quiet();
    CHECK(host.held_by(web).size() == 1);
    CHECK(host.account->at("203.0.113.1").mac);
    host.guests.stop(web);
    host.heard_gone(web);
    host.run_until_quiet();
    CHECK(host.held_by(web).empty());
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a NIC that is taken out of the definition keeps its MAC while the guest runs with it") {
    World host;
    host.add_addresses(5);
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0"), FakeGuests::nic("br0")});
    host.look(web);
    host.run_until_quiet();
    host.guests.start(web);
    const auto first = host.mac_of(web, 0);
    const auto second = host.mac_of(web, 1);
    host.guests.define("u-web", "web", {FakeGuests::nic("br0", second)});
    host.look(web);
    host.run_until_quiet();
    CHECK(host.held_by(web).size() == 2);
    CHECK(host.mac_of(web) == second);
    host.guests.stop(web);
    host.look(web);
    host.run_until_quiet();
    REQUIRE(host.held_by(web).size() == 1);
    CHECK(host.held_by(web)[0].mac == second);
    CHECK(host.held_by(web)[0].slot == "0");
    for (const auto& [address, entry] : host.account->addresses) CHECK(entry.mac != first);
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a hypervisor that hangs with one guest does not keep the others from being looked at") {
    World host;
    host.add_addresses(5);
    host.start_daemon();
    const auto first = host.guests.define("u-1", "first", {FakeGuests::nic("br0")});
    const auto second = host.guests.define("u-2", "second", {FakeGuests::nic("br0")});
    int writes = 0;
    host.guests.before_write = [&] {
        if (++writes == 1) throw GuestsUnavailable{"it hangs"};
    };
    host.compare();
    CHECK(host.held_by(first).size() + host.held_by(second).size() == 2);
    host.guests.before_write = {};
    host.run_until_quiet();
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a guest that migrated away ends without a word to the provider") {
    Served host;
    const auto& web = host.ids[0];
    const int writes = host.account->writes();
    host.log.clear();
    (void)guest_left(host.context(), web);
    SECTION("its address has followed it") {
        host.account->at("203.0.113.1").server = other_server;
    }
    SECTION("its address is still here") {}
    host.guests.undefine(web);
    host.heard_gone(web);
    host.clock.advance(2min);
    host.run_until_quiet();
    CHECK(host.held().empty());
    CHECK(host.account->at("203.0.113.1").mac);
    CHECK(host.account->at("203.0.113.1").reverse == "vm1.vm.example.com");
    CHECK(host.account->writes() == writes);
}

TEST_CASE("what a guest that left never wore is released, the rest went with it") {
    Served host;
    const auto& web = host.ids[0];
    const auto worn = host.mac_of(web);
    SECTION("it took its MAC along") {
        (void)guest_left(host.context(), web, std::set{worn});
        CHECK(host.held_by(web).at(0).state == LeaseState::away);
    }
    SECTION("it left with another MAC") {
        (void)guest_left(host.context(), web, std::set{Mac::local(7)});
        CHECK(host.held_by(web).empty());
        host.guests.vanish(web);
        host.run_until_quiet();
        for (const auto& [address, entry] : host.account->addresses) CHECK(entry.mac != worn);
    }
}

TEST_CASE("an address that a person routes away is left alone, also at its guest's end") {
    Served host;
    const auto& web = host.ids[0];
    host.account->at("203.0.113.1").server = other_server;
    const int writes = host.account->writes();
    SECTION("seen by a read") {
        host.clock.advance(2min);
        host.run_until_quiet();
        CHECK(host.held_by(web).at(0).state == LeaseState::away);
        SECTION("and routed back") {
            host.account->at("203.0.113.1").server = this_server;
            host.clock.advance(2min);
            host.run_until_quiet();
            CHECK(host.held_by(web).at(0).state == LeaseState::active);
        }
    }
    SECTION("a moment before the release") {}
    host.guests.undefine(web);
    host.heard_gone(web);
    host.clock.advance(2min);
    host.run_until_quiet();
    CHECK(host.held().empty());
    if (host.account->at("203.0.113.1").server == other_server) {
        CHECK(host.account->at("203.0.113.1").mac);
        CHECK(host.account->writes() == writes);
    }
}

TEST_CASE("a guest that comes back gets its address moved here again") {
    Served host;
    const auto& web = host.ids[0];
    (void)guest_left(host.context(), web);
    host.account->at("203.0.113.1").server = other_server;
    host.clock.advance(2min);
    host.run_until_quiet();
    CHECK(host.held_by(web).at(0).state == LeaseState::away);
    host.guests.start(web);
    host.look(web);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.1").server == this_server);
    CHECK(host.held_by(web).at(0).state == LeaseState::active);
    CHECK(host.broken_rule() == "");
}

TEST_CASE("an address that the provider no longer lists keeps its lease, and the end drops the row") {
    Served host;
    const auto entry = host.account->at("203.0.113.1");
    host.account->addresses.erase(Address::parse("203.0.113.1"));
    for (int i = 0; i < 3; ++i) {
        host.clock.advance(2min);
        host.run_until_quiet();
    }
    CHECK(host.held().size() == 1);
    host.guests.undefine(host.ids[0]);
    host.heard_gone(host.ids[0]);
    host.run_until_quiet();
    CHECK(host.leases().size() == 2);
    CHECK_FALSE(host.row("203.0.113.1"));
}
