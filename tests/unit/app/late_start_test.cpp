// A start that overtook its define: claims of the hook, and what becomes of them.
#include "app/check_start.hpp"
#include "app/start_claim.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

/// As the hook reads it from the XML at `prepare`: nobody knows yet whether it has a definition.
Guest starting(const std::string& uuid, const std::string& name, const std::string& mac = "02:00:00:00:00:77") {
    Guest guest;
    guest.id = {GuestKind::libvirt, uuid};
    guest.name = name;
    guest.nics = {FakeGuests::nic("br0", Mac::parse(mac))};
    return guest;
}

struct Host : World {
    Host() {
        add_addresses(2);
        start_daemon();
        run_until_quiet();
    }
    StartClaim claim(const Guest& guest) { return claim_for_start(context(), guest); }
    void settle_now() {
        (void)settle_once();
        run_until_quiet();
    }
};

}  // namespace

TEST_CASE("a start claims a warm address at once") {
    Host host;
    const auto guest = starting("u-1", "one");
    CHECK(host.claim(guest).kind == StartClaim::Kind::ready);
    CHECK(host.held_by(guest.id).size() == 1);
    CHECK(host.notes(NoteKind::claimed).size() == 1);
    // Asked again it changes nothing.
    CHECK(host.claim(guest).kind == StartClaim::Kind::ready);
    CHECK(host.held().size() == 1);
}

TEST_CASE("a start waits for a MAC that the provider still has to make") {
    Settings settings = simple_settings();
    settings.pools["public"].warm = 0;
    World world{settings};
    world.add_addresses(1);
    world.start_daemon();
    const auto guest = starting("u-1", "one");
    const auto waits = claim_for_start(world.context(), guest);
    CHECK(waits.kind == StartClaim::Kind::pending);
    CHECK(waits.text == "its virtual MAC is being made at the provider");
    world.account->is_down = true;
    (void)world.settle_once();
    const auto away = claim_for_start(world.context(), guest);
    CHECK(away.kind == StartClaim::Kind::pending);
    CHECK(away.text.find("the provider dedibox does not answer (") == 0);
    world.account->is_down = false;
    world.clock.advance(10min);
    (void)world.settle_once();
    CHECK(claim_for_start(world.context(), guest).kind == StartClaim::Kind::ready);
}

TEST_CASE("who finds nothing free neither holds nor waits") {
    Host host;
    CHECK(host.claim(starting("u-1", "one")).kind == StartClaim::Kind::ready);
    CHECK(host.claim(starting("u-2", "two")).kind == StartClaim::Kind::ready);
    const auto refused = host.claim(starting("u-3", "three"));
    CHECK(refused.kind == StartClaim::Kind::refused);
    CHECK(refused.text.find("no free address") != std::string::npos);
    CHECK(host.notes(NoteKind::waiting).empty());
    CHECK(host.notes(NoteKind::claimed).size() == 2);
    // Also not half: the second NIC finds nothing.
    auto two_nics = starting("u-1", "one");
    two_nics.nics.push_back(FakeGuests::nic("br0", Mac::parse("02:00:00:00:00:78")));
    two_nics.nics[1].index = 1;
    CHECK(host.claim(two_nics).kind == StartClaim::Kind::refused);
    CHECK(host.held().size() == 2);
}

TEST_CASE("a claim whose guest never started ends after a minute") {
    Host host;
    const auto guest = starting("u-1", "one");
    CHECK(host.claim(guest).kind == StartClaim::Kind::ready);
    host.clock.advance(59s);
    CHECK(end_unused_claims(host.context(), host.guests).happenings.empty());
    CHECK(host.held().size() == 1);
    host.clock.advance(1s);
    SECTION("when the hypervisor answers that there is no such guest") {
        const auto ended = end_unused_claims(host.context(), host.guests);
        CHECK(ended.is_provider_work_due);
        CHECK(host.held().empty());
        CHECK(host.notes(NoteKind::claimed).empty());
    }
    SECTION("and not when it does not answer") {
        host.guests.is_down = true;
        CHECK(end_unused_claims(host.context(), host.guests).happenings.empty());
        CHECK(host.held().size() == 1);
        CHECK(host.notes(NoteKind::claimed).size() == 1);
    }
    SECTION("and not when it runs by then") {
        const auto id = host.guests.create("u-1", "one", {FakeGuests::nic("br0")});
        CHECK(end_unused_claims(host.context(), host.guests).happenings.empty());
        CHECK(host.held_by(id).size() == 1);
        CHECK(host.notes(NoteKind::claimed).empty());
    }
}

TEST_CASE("a name that tries again with another UUID takes its claim along") {
    Host host;
    CHECK(host.claim(starting("u-1", "one")).kind == StartClaim::Kind::ready);
    const auto before = host.held();
    for (const auto* uuid : {"u-2", "u-3", "u-4"}) {
        CHECK(host.claim(starting(uuid, "one")).kind == StartClaim::Kind::ready);
        REQUIRE(host.held().size() == 1);
        CHECK(host.held()[0].address == before[0].address);
        CHECK(host.held()[0].guest->value == uuid);
    }
    CHECK(host.notes(NoteKind::claimed).size() == 1);
}

TEST_CASE("a guest that runs under its claim keeps it, and its end gives it back") {
    Host host;
    const auto started = starting("u-1", "one");
    CHECK(host.claim(started).kind == StartClaim::Kind::ready);
    const auto id = host.guests.create("u-1", "one", {FakeGuests::nic("br0", started.nics[0].mac)});
    host.guests.at(id).run = Run{100ms, false, false, false};
    host.guests.at(id).nics[0].can_unplug = true;
    // QEMU is there and has not begun: this start may still fail.
    host.guests.at(id).run->is_paused = true;
    (void)look_at(host.context(), host.guests, host.guests.at(id));
    CHECK(host.notes(NoteKind::claimed).size() == 1);
    host.guests.at(id).run->is_paused = false;
    const auto looked = look_at(host.context(), host.guests, host.guests.at(id));
    REQUIRE(looked.wrong.size() == 1);
    CHECK(looked.wrong[0].mac == host.held_by(id).at(0).mac);
    CHECK(looked.wrong[0].remedy == Remedy::swap);
    // Seen running, it is no claim any more: were it saved to a file now, its end would have to be proved as any
    // other's.
    CHECK(host.notes(NoteKind::claimed).empty());
    host.guests.stop(id);
    host.heard_gone(id);
    CHECK(host.held().empty());
    CHECK(host.notes(NoteKind::claimed).empty());
}

TEST_CASE("while a NIC is being swapped nothing follows from its absence") {
    Host host;
    const auto started = starting("u-1", "one");
    CHECK(host.claim(started).kind == StartClaim::Kind::ready);
    const auto id = host.guests.create("u-1", "one", {});
    const auto note = [&](Rows& rows) {
        rows.guests.put({NoteKind::swapping, id, "0", "one", "", "<interface/>", host.clock.now()});
    };
    host.disk.write(note);
    host.look(id);
    CHECK(host.held_by(id).size() == 1);
    host.disk.write([&](Rows& rows) { rows.guests.erase(NoteKind::swapping, id, std::nullopt); });
    host.look(id);
    CHECK(host.held_by(id).empty());
}

TEST_CASE("a registered MAC that waits to be adopted is not overruled by a claim") {
    Host host;
    host.account->at("203.0.113.1").mac = Mac::parse("02:00:00:00:00:99");
    host.account->add("203.0.113.9", this_server).mac = Mac::parse("02:00:00:00:00:98");
    (void)host.settle_once(Sync::always);
    auto guest = starting("u-1", "one", "02:00:00:00:00:98");
    guest.nics.push_back(FakeGuests::nic("br0", Mac::parse("02:00:00:00:00:78")));
    guest.nics[1].index = 1;
    CHECK(host.claim(guest).kind == StartClaim::Kind::refused);
    CHECK(host.held().empty());
}
