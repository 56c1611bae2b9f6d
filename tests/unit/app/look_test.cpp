#include "app/check_start.hpp"
#include "app/pools.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

struct Served : World {
    Served() {
        add_addresses(5);
        start_daemon();
        web = guests.define("u-web", "web", {FakeGuests::nic("br0")});
        look(web);
        run_until_quiet();
    }
    GuestId web;
};

}  // namespace

TEST_CASE("a second look changes nothing, in the store or in the guest") {
    Served host;
    const auto before = host.leases();
    int writes = 0;
    host.guests.before_write = [&] { ++writes; };
    host.look(host.web);
    (void)host.compare();
    CHECK(host.leases() == before);
    CHECK(writes == 0);
    const int asked = host.account->writes();
    host.clock.advance(10min);
    host.run_until_quiet();
    CHECK(host.account->writes() == asked);
}

TEST_CASE("a dry run says what would be done, and does nothing") {
    Served host;
    const auto fresh = host.guests.define("u-new", "new", {FakeGuests::nic("br0")});
    host.guests.vanish(host.web);
    const auto rows = host.leases();
    const auto guests = host.guests.all();
    host.fuse.arm(-1, Fuse::Moment::before);
    const auto all = look_at_all(host.context(), host.guests, Effects::plan_only, {});
    CHECK(host.fuse.count() == 0);
    CHECK(host.leases() == rows);
    CHECK(host.guests.all().at(fresh).nics == guests.at(fresh).nics);
    REQUIRE(all.guests.size() == 1);
    CHECK(all.guests[0].plan.wants.size() == 1);
    CHECK(texts(all.happenings).find("would get an address of the pool \"public\"") != std::string::npos);
    (void)host.compare();
    host.clock.advance(11min);
    const auto later = look_at_all(host.context(), host.guests, Effects::plan_only, {});
    CHECK(later.would_end.empty());  // no brake holds it
    CHECK(texts(later.happenings).find("gone; would be released") != std::string::npos);
    CHECK(host.held_by(host.web).size() == 1);
}

TEST_CASE("a dry run knows who waits for an address") {
    Served host;
    for (int i = 0; i < 5; ++i) {
        const auto number = std::to_string(i);
        host.look(host.guests.define("u-" + number, "n" + number, {FakeGuests::nic("br0")}));
        host.run_until_quiet();
    }
    const auto told = texts(look_at_all(host.context(), host.guests, Effects::plan_only, {}).happenings);
    CHECK(told.find("waits for a free address of the pool \"public\"") != std::string::npos);
    CHECK(told.find("would get an address") == std::string::npos);
}

TEST_CASE("a dry run with --confirm knows that the brake is off") {
    World host;
    host.add_addresses(5);
    host.start_daemon();
    for (int i = 0; i < 3; ++i) {
        const auto number = std::to_string(i);
        host.look(host.guests.define("u-" + number, "n" + number, {FakeGuests::nic("br0")}));
        host.run_until_quiet();
    }
    for (int i = 0; i < 3; ++i) host.guests.vanish({GuestKind::libvirt, "u-" + std::to_string(i)});
    (void)host.compare();
    host.clock.advance(11min);
    const auto braked = look_at_all(host.context(), host.guests, Effects::plan_only, {});
    CHECK(braked.would_end.size() == 3);
    CHECK(texts(braked.happenings).find("would be released") == std::string::npos);
    const auto bold = look_at_all(host.context(), host.guests, Effects::plan_only, {false, true});
    CHECK(bold.would_end.empty());
    CHECK(texts(bold.happenings).find("gone; would be released") != std::string::npos);
}

TEST_CASE("the states of a pool's addresses sum up to its total") {
    Served host;
    host.account->at("203.0.113.5").mac = Mac::parse("52:54:00:aa:00:01");
    host.account->add("203.0.113.6", other_server);
    host.clock.advance(2min);
    host.run_until_quiet();
    const auto view = view_pools(host.context()).at(0);
    CHECK(view.addresses.size() == 6);
    std::size_t sum = 0;
    for (const auto state : {PoolState::free, PoolState::warm, PoolState::leased, PoolState::cooling,
                             PoolState::foreign, PoolState::elsewhere, PoolState::gone}) {
        sum += view.count(state);
    }
    CHECK(sum == 6);
    CHECK(view.count(PoolState::leased) == 1);
    CHECK(view.count(PoolState::warm) == 2);
    CHECK(view.count(PoolState::foreign) == 1);
    CHECK(view.count(PoolState::elsewhere) == 1);
    CHECK(view.count(PoolState::free) == 1);
}

TEST_CASE("a definition that changed between look and write is not written, but looked at again") {
    Served host;
    const auto guest = host.guests.define("u-new", "new", {FakeGuests::nic("br0")});
    const auto old = *host.guests.find(guest);
    host.guests.define("u-new", "new", {FakeGuests::nic("br1"), FakeGuests::nic("br0")});
    (void)look_at(host.context(), host.guests, old);
    CHECK(host.guests.at(guest).records.empty());
    host.look(guest);
    CHECK(host.mac_of(guest, 1) == host.held_by(guest).at(0).mac);
    host.run_until_quiet();
    CHECK(host.broken_rule() == "");
}

TEST_CASE("one guest whose definition is refused does not keep others from being served") {
    Served host;
    host.guests.define("u-1", "one", {FakeGuests::nic("br0")});
    const auto two = host.guests.define("u-2", "two", {FakeGuests::nic("br0")});
    host.guests.refuses_writes = true;
    const auto all = host.compare();
    CHECK(std::count_if(all.happenings.begin(), all.happenings.end(),
                        [](const Happening& line) { return line.id == "guest-refused"; }) == 2);
    host.guests.refuses_writes = false;
    (void)host.compare();
    CHECK(host.mac_of(two) == host.held_by(two).at(0).mac);
}

TEST_CASE("a start asks the store alone") {
    Served host;
    host.account->is_down = true;
    host.guests.is_down = true;
    const auto& web = host.guests.at(host.web);
    CHECK(check_start(host.context(), web).answer == StartAnswer::good);
    auto copy = web;
    copy.id.value = "u-copy";
    copy.name = "copy";
    const auto verdict = check_start(host.context(), copy);
    CHECK(verdict.answer == StartAnswer::retry);
    CHECK(verdict.text.find("belongs to the guest web") != std::string::npos);
    copy.nics[0].mac = Mac::parse("02:00:00:00:00:01");
    CHECK(check_start(host.context(), copy).answer == StartAnswer::late);
    note_incoming(host.context(), copy.id, "restore");
    CHECK(check_start(host.context(), copy).text.find("managedsave-remove") != std::string::npos);
}

TEST_CASE("a guest that asks for more NICs than there are addresses gets what there is") {
    World host;
    host.add_addresses(2);
    host.start_daemon();
    const auto web = host.guests.define(
        "u-web", "web",
        {FakeGuests::nic("br0"), FakeGuests::nic("br0"), FakeGuests::nic("br0"), FakeGuests::nic("br1")});
    const auto last = host.mac_of(web, 3);
    host.look(web);
    host.run_until_quiet();
    CHECK(host.held_by(web).size() == 2);
    CHECK(host.mac_of(web, 0) != host.mac_of(web, 1));
    CHECK(host.mac_of(web, 3) == last);
    CHECK(host.notes(NoteKind::waiting).size() == 1);
    CHECK(host.broken_rule() == "");
    host.account->add("203.0.113.9", this_server);
    host.clock.advance(2min);
    host.run_until_quiet();
    CHECK(host.held_by(web).size() == 3);
    CHECK(host.notes(NoteKind::waiting).empty());
}

TEST_CASE("a warm address whose MAC the provider no longer shows is not handed out as confirmed") {
    Served host;
    host.disk.write([](Rows& rows) {  // a read came in, and settle() has not drawn its conclusion yet
        auto known = rows.provider.addresses("dedibox");
        for (auto& facts : known) facts.mac.reset();
        rows.provider.replace("dedibox", known);
    });
    const auto guest = host.guests.define("u-new", "new", {FakeGuests::nic("br0")});
    const auto own = host.mac_of(guest);
    host.look(guest);
    CHECK(host.held_by(guest).at(0).state == LeaseState::pending);
    CHECK(host.mac_of(guest) == own);
}
