#include "app/pools.hpp"
#include "app/reserve.hpp"
#include "core/errors.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

Settings without_stock(std::chrono::milliseconds cooldown = 5min) {
    auto settings = simple_settings();
    settings.pools["public"].warm = 0;
    settings.pools["public"].cooldown = cooldown;
    return settings;
}

GuestId define(World& host, const std::string& number) {
    const auto guest = host.guests.define("u-" + number, "vm" + number, {FakeGuests::nic("br0")});
    host.look(guest);
    host.run_until_quiet();
    return guest;
}

void undefine(World& host, const GuestId& guest) {
    host.guests.undefine(guest);
    host.heard_gone(guest);
    host.run_until_quiet();
}

}  // namespace

TEST_CASE("guests wait in order, and newcomers do not overtake them") {
    World host{without_stock(0ms)};
    host.add_addresses(1);
    host.start_daemon();
    const auto first = define(host, "1");
    const auto second = define(host, "2");
    const auto third = define(host, "0");  // its id sorts before the others
    CHECK(host.held().size() == 1);
    CHECK(host.notes(NoteKind::waiting).size() == 2);
    CHECK(view_pools(host.context()).at(0).waiting == 2);

    host.guests.undefine(first);
    (void)guest_ended(host.context(), first);
    (void)host.settle_once();  // free again, and nobody has looked at the waiting ones yet
    host.look(third);
    CHECK(host.held_by(third).empty());
    host.look(second);
    CHECK(host.held_by(second).size() == 1);
    host.run_until_quiet();
    undefine(host, second);
    CHECK(host.held_by(third).size() == 1);
    CHECK(host.notes(NoteKind::waiting).empty());
}

TEST_CASE("who waits comes before the warm stock") {
    auto settings = without_stock(0ms);
    settings.pools["public"].warm = 2;
    World host{settings};
    host.add_addresses(1);
    host.start_daemon();
    const auto first = define(host, "1");
    const auto second = define(host, "2");
    host.guests.undefine(first);
    host.heard_gone(first);
    (void)host.settle_once();
    CHECK_FALSE(host.row("203.0.113.1"));  // not warmed again
    host.look(second);
    host.run_until_quiet();
    CHECK(host.held_by(second).size() == 1);
    CHECK(host.mac_of(second) == host.account->at("203.0.113.1").mac);
}

TEST_CASE("a guest that was undefined while nobody listened waits no longer") {
    World host{without_stock(0ms)};
    host.add_addresses(1);
    host.start_daemon();
    const auto first = define(host, "1");
    const auto second = define(host, "2");
    host.guests.vanish(second);
    (void)host.compare();
    CHECK(host.notes(NoteKind::waiting).empty());
    undefine(host, first);
    const auto third = define(host, "3");
    CHECK(host.held_by(third).size() == 1);
}

TEST_CASE("a released address rests, but not for the guest that had it") {
    World host{without_stock()};
    host.add_addresses(1);
    host.start_daemon();
    const auto first = define(host, "1");
    undefine(host, first);
    CHECK(host.row("203.0.113.1")->state == LeaseState::cooling);

    SECTION("another guest waits for the end of the quarantine") {
        const auto other = define(host, "2");
        CHECK(host.held_by(other).empty());
        host.clock.advance(6min);
        host.run_until_quiet();
        CHECK(host.held_by(other).size() == 1);
    }
    SECTION("the same UUID takes it back") {
        const auto again = host.guests.define("u-1", "renamed", {FakeGuests::nic("br0")});
        host.look(again);
        CHECK(host.held_by(again).size() == 1);
    }
    SECTION("the same name takes it back") {
        const auto again = host.guests.define("u-9", "vm1", {FakeGuests::nic("br0")});
        host.look(again);
        CHECK(host.held_by(again).size() == 1);
    }
    SECTION("somebody made a MAC for it meanwhile: nobody takes it") {
        host.account->at("203.0.113.1").mac = Mac::parse("52:54:00:aa:00:01");
        (void)host.settle_once(Sync::always);
        const auto again = host.guests.define("u-1", "vm1", {FakeGuests::nic("br0")});
        host.look(again);
        CHECK(host.held_by(again).empty());
        host.clock.advance(10min);
        host.run_until_quiet();
        CHECK(host.account->at("203.0.113.1").mac);
    }
    SECTION("a clock that was set back does not hold it longer than its quarantine") {
        host.clock.set_wall(host.clock.now().wall - 48h);
        host.run_until_quiet();
        host.clock.advance(5min);
        host.run_until_quiet();
        CHECK_FALSE(host.row("203.0.113.1"));
    }
    host.run_until_quiet();
    CHECK(host.wrongs.empty());
}

TEST_CASE("an address that is being given back does not bring its shared MAC to two NICs") {
    World host{without_stock()};
    host.add_addresses(2);
    host.start_daemon();
    Request two;
    two.addresses = 2;
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0")}, two);
    host.look(web);
    host.run_until_quiet();
    REQUIRE(host.held_by(web).size() == 2);
    host.guests.undefine(web);
    host.heard_gone(web);
    const auto again = host.guests.define("u-web", "web", {FakeGuests::nic("br0"), FakeGuests::nic("br0")});
    host.look(again);
    host.run_until_quiet(20min);
    host.look(again);
    host.run_until_quiet(20min);
    CHECK(host.held_by(again).size() == 2);
    CHECK(host.mac_of(again, 0) != host.mac_of(again, 1));
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a reservation is taken over by the guest of that name, with its MAC and its name") {
    World host;
    host.add_addresses(4);
    host.start_daemon();
    const auto reserved = std::get<Lease>(reserve(host.context(), {"web", "", "mail.example.com"}));
    CHECK(std::get<Lease>(reserve(host.context(), {"web", "", ""})).address == reserved.address);
    host.run_until_quiet();
    SECTION("it does not end by itself") {
        for (int i = 0; i < 3; ++i) {
            host.clock.advance(1h);
            (void)host.compare();
            host.run_until_quiet();
        }
        CHECK(host.held().size() == 1);
    }
    SECTION("worn already") {
        const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0", reserved.mac)});
        host.look(web);
        CHECK(host.held_by(web).at(0).address == reserved.address);
    }
    SECTION("not worn yet") {
        const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0")});
        host.look(web);
        CHECK(host.mac_of(web) == reserved.mac);
        CHECK(host.held().size() == 1);
        host.run_until_quiet();
        CHECK(host.account->addresses.at(reserved.address).reverse == "mail.example.com");
        CHECK_THROWS_AS(reserve(host.context(), {"web", "", ""}), InputError);
    }
    SECTION("repeated with another name it has that one") {
        (void)reserve(host.context(), {"web", "", "www.example.com"});
        (void)reserve(host.context(), {"web", "", ""});
        CHECK(host.held().at(0).hostname == "www.example.com");
        host.run_until_quiet();
        CHECK(host.account->addresses.at(reserved.address).reverse == "www.example.com");
    }
    SECTION("given back by hand, all or nothing") {
        CHECK_THROWS_AS(release(host.context(), {reserved.address, Address::parse("203.0.113.4")}), InputError);
        CHECK(host.held().size() == 1);
        (void)release(host.context(), {reserved.address});
        (void)release(host.context(), {reserved.address});
        host.run_until_quiet();
        CHECK(host.held().empty());
    }
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a reservation is refused with what is wrong about it") {
    World host;
    host.add_addresses(1);
    host.start_daemon();
    CHECK_THROWS_AS(reserve(host.context(), {"", "", ""}), InputError);
    CHECK_THROWS_AS(reserve(host.context(), {std::string("a\0b", 3), "", ""}), InputError);
    CHECK_THROWS_AS(reserve(host.context(), {std::string(256, 'a'), "", ""}), InputError);
    CHECK_THROWS_AS(reserve(host.context(), {"web", "private", ""}), InputError);
    CHECK_THROWS_AS(reserve(host.context(), {"web", "", "not a name"}), InputError);
    (void)reserve(host.context(), {"web", "", ""});
    CHECK(std::holds_alternative<PoolExhausted>(reserve(host.context(), {"mail", "", ""})));
}

TEST_CASE("without an API the configuration gives the addresses and MACs") {
    auto settings = simple_settings();
    auto& provider = settings.providers["dedibox"];
    provider.type = "manual";
    const auto given = Mac::parse("02:00:00:00:00:05");
    provider.fixed = {{Address::parse("192.0.2.5"), given}, {Address::parse("192.0.2.6"), {}}};
    World host{settings};
    host.start_daemon();
    CHECK(view_pools(host.context()).at(0).count(PoolState::free) == 2);
    const auto one = define(host, "1");
    const auto two = define(host, "2");
    CHECK(host.mac_of(one) == given);
    CHECK(host.mac_of(two).bytes()[0] == 0x02);
    CHECK(view_pools(host.context()).at(0).count(PoolState::leased) == 2);
    undefine(host, one);
    CHECK(view_pools(host.context()).at(0).count(PoolState::cooling) == 1);
    host.clock.advance(6min);
    host.run_until_quiet();
    CHECK(view_pools(host.context()).at(0).count(PoolState::free) == 1);
    CHECK(host.held_by(two).size() == 1);
}

TEST_CASE("NICs that change places keep their leases") {
    World host;
    host.add_addresses(4);
    host.start_daemon();
    const auto web = host.guests.define("u-web", "web", {FakeGuests::nic("br0"), FakeGuests::nic("br0")});
    host.look(web);
    const auto first = host.mac_of(web, 0);
    const auto second = host.mac_of(web, 1);
    CHECK(first != second);
    host.guests.define("u-web", "web", {FakeGuests::nic("br0", second), FakeGuests::nic("br0", first)});
    host.look(web);
    const auto leases = host.held_by(web);
    REQUIRE(leases.size() == 2);
    CHECK(leases[0].slot == "0");
    CHECK(leases[0].mac == second);
    CHECK(leases[1].mac == first);
    host.run_until_quiet();
    CHECK(host.broken_rule() == "");
}
