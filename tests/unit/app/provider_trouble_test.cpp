#include "world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

const GuestId web{GuestKind::libvirt, "u-web"};

void define(World& host, int addresses = 1) {
    Request request;
    request.addresses = addresses;
    host.guests.define("u-web", "web", {FakeGuests::nic("br0")}, request);
    host.look(web);
}

void undefine(World& host) {
    host.guests.undefine(web);
    host.heard_gone(web);
}

/// Until backoffs and retries are over.
void wait_out(World& host) {
    for (int i = 0; i < 4; ++i) {
        host.run_until_quiet(5min);
        host.clock.advance(11min);
    }
    host.run_until_quiet();
    host.look(web);
}

constexpr Fault faults[] = {
    Fault::unavailable_before, Fault::unavailable_after, Fault::denied, Fault::busy, Fault::refused, Fault::already};
constexpr ApiCall calls[] = {ApiCall::list,       ApiCall::route,       ApiCall::issue_mac,    ApiCall::share_mac,
                             ApiCall::revoke_mac, ApiCall::set_reverse, ApiCall::reset_reverse};

}  // namespace

TEST_CASE("whatever one call to the provider does, a life ends as it should, with nothing leaked") {
    for (const auto call : calls) {
        for (const auto fault : faults) {
            for (const int times : {1, 3}) {
                auto settings = simple_settings();
                settings.pools["public"].warm = 0;
                World host{settings};
                host.account->add("203.0.113.1", {});
                host.account->add("203.0.113.2", this_server);
                host.start_daemon();
                for (int i = 0; i < times; ++i) host.account->fail_next(call, fault);
                define(host, 2);
                wait_out(host);
                INFO("call " << static_cast<int>(call) << " fault " << static_cast<int>(fault) << " times " << times);
                CAPTURE(texts(host.log));
                const auto leases = host.held_by(web);
                REQUIRE(leases.size() == 2);
                for (const auto& lease : leases) {
                    CHECK(lease.state == LeaseState::active);
                    CHECK(lease.mac == host.mac_of(web));
                    CHECK(host.account->addresses.at(lease.address).reverse == "web.vm.example.com");
                }
                CHECK(host.broken_rule() == "");
                undefine(host);
                wait_out(host);
                CHECK(host.leases().empty());
                CHECK(host.broken_rule() == "");
            }
        }
    }
}

TEST_CASE("with the provider down a guest is served from the stock, and the rest is made up for later") {
    World host;
    host.add_addresses(3);
    host.start_daemon();
    host.account->is_down = true;
    define(host);
    host.run_until_quiet();
    CHECK(host.mac_of(web) == host.held_by(web).at(0).mac);
    undefine(host);
    host.run_until_quiet();
    CHECK(host.account->at("203.0.113.1").mac);
    CHECK(host.row("203.0.113.1")->state == LeaseState::releasing);
    host.account->is_down = false;
    wait_out(host);
    CHECK(host.broken_rule() == "");
    CHECK(host.held().empty());
}

TEST_CASE("a provider that failed is not asked again before its time, by whoever comes") {
    World host;
    host.add_addresses(1);
    host.account->is_down = true;
    const auto failed = host.settle_once(Sync::always);
    REQUIRE(failed.is_unavailable);
    REQUIRE(failed.next);
    const auto again = host.settle_once(Sync::always);
    CHECK(again.is_unavailable);
    CHECK(again.next == failed.next);
    CHECK(host.account->calls[ApiCall::list] == 1);
}

TEST_CASE("a refused token is tried again each minute, and at once by whoever may have mended it") {
    World host;
    host.add_addresses(1);
    host.account->fail_next(ApiCall::list, Fault::denied);
    host.account->fail_next(ApiCall::list, Fault::denied);
    const auto refused = host.settle_once();
    CHECK(refused.is_refused);
    const auto waits = host.settle_once(Sync::when_due);
    CHECK(waits.is_refused);
    CHECK_FALSE(waits.is_unavailable);
    CHECK(waits.problem == refused.problem);
    CHECK(host.account->calls[ApiCall::list] == 1);

    CHECK(host.settle_once(Sync::after_change).is_refused);
    CHECK(host.account->calls[ApiCall::list] == 2);
    const auto mended = host.settle_once(Sync::after_change);
    CHECK_FALSE(mended.is_refused);
    CHECK(mended.problem.empty());
    CHECK(host.account->calls[ApiCall::list] > 2);
}

TEST_CASE("an address that gets no verdict does not keep the others from their turn") {
    World host;
    host.add_addresses(2);
    for (int run = 0; run < 3; ++run) {
        host.account->fail_next(ApiCall::issue_mac, Fault::unavailable_before);
        const auto failed = host.settle_once(Sync::always);
        CHECK(failed.is_unavailable);
        host.account->faults.clear();
        host.clock.advance(6s);  // after the backoff, before the address is tried again
        (void)host.settle_once(Sync::always);
        if (host.account->at("203.0.113.2").mac) break;
    }
    CHECK(host.account->at("203.0.113.2").mac);
    CHECK_FALSE(host.account->at("203.0.113.1").mac);
}

TEST_CASE("an outage is told once, and asked about less and less often") {
    World host;
    host.add_addresses(1);
    host.account->is_down = true;
    note_first_run(host.context(), host.guests);
    host.run_until_quiet(10min);
    CHECK(std::count_if(host.log.begin(), host.log.end(),
                        [](const Happening& line) { return line.id == "provider-unavailable"; }) == 1);
    CHECK(host.account->calls[ApiCall::list] < 20);
    CHECK(host.account->calls[ApiCall::list] > 4);
}

TEST_CASE("a read without trouble ends an outage: the next one is told, and begins anew") {
    World host;
    host.add_addresses(1);
    for (int outage = 0; outage < 3; ++outage) {
        host.account->is_down = true;
        const auto failed = host.settle_once(Sync::always);
        REQUIRE(failed.next);
        CHECK(*failed.next - host.clock.now().wall <= 5s);
        CHECK(failed.happenings.size() == 1);
        host.account->is_down = false;
        host.clock.advance(10s);
        REQUIRE_FALSE(host.settle_once(Sync::always).is_unavailable);
    }
}

TEST_CASE("no MAC is written into a guest before a read has confirmed it") {
    auto settings = simple_settings();
    settings.pools["public"].warm = 0;
    World host{settings};
    host.add_addresses(1);
    host.start_daemon();
    define(host);
    const auto own = host.mac_of(web);
    host.account->fail_next(ApiCall::list, Fault::none);
    host.account->fail_next(ApiCall::list, Fault::unavailable_before);
    (void)host.settle_once(Sync::always);
    host.look(web);
    CHECK(host.account->at("203.0.113.1").mac);
    CHECK(host.mac_of(web) == own);
    wait_out(host);
    CHECK(host.mac_of(web) == host.account->at("203.0.113.1").mac);
}

TEST_CASE("a refused name is tried again after 1 min doubling to 1 h, and one line says what to create") {
    World host;
    host.add_addresses(3);
    host.account->accepts_any_name = false;
    host.start_daemon();
    define(host);
    host.run_until_quiet(10s);
    const auto lease = host.held_by(web).at(0);
    CHECK(lease.rdns == RdnsState::failed);
    CHECK(lease.rdns_due - host.clock.now().wall <= 1min);
    CHECK(texts(host.log).find("create the record web.vm.example.com. A 203.0.113.1") != std::string::npos);
    host.run_until_quiet(4h);
    const int tries = host.account->calls[ApiCall::set_reverse];
    CHECK(tries >= 7);
    CHECK(tries <= 11);
    host.account->forward["web.vm.example.com"] = Address::parse("203.0.113.1");
    host.run_until_quiet(61min);
    CHECK(host.held_by(web).at(0).rdns == RdnsState::set);
}

TEST_CASE("an old name is taken back too, also when the new one was never accepted") {
    World host;
    host.add_addresses(3);
    host.start_daemon();
    define(host);
    host.run_until_quiet();
    REQUIRE(host.account->at("203.0.113.1").reverse == "web.vm.example.com");
    SECTION("refused") {
        host.account->accepts_any_name = false;
        host.guests.rename(web, "mail");
        host.look(web);
        host.run_until_quiet(10s);
    }
    SECTION("not tried yet") {
        host.guests.rename(web, "mail");
        host.look(web);
    }
    undefine(host);
    wait_out(host);
    CHECK(host.account->at("203.0.113.1").reverse == "");
    CHECK(host.broken_rule() == "");
}

TEST_CASE("a foreign MAC is never deleted and never given away") {
    const auto foreign = Mac::parse("52:54:00:aa:bb:cc");
    auto settings = simple_settings();
    settings.pools["public"].warm = 0;
    World host{settings};
    host.add_addresses(1);
    SECTION("that was there before") {
        host.account->at("203.0.113.1").mac = foreign;
        host.start_daemon();
        define(host);
    }
    SECTION("that appears between our read and our request") {
        host.start_daemon();
        define(host);
        host.account->before_effect = {};
        // The order arrives when the address has a MAC already.
        const auto& at = host.account->at("203.0.113.1");
        host.account->fail_next(ApiCall::issue_mac, Fault::refused);
        (void)host.settle_once();
        host.account->at("203.0.113.1").mac = foreign;
        CHECK(at.mac == foreign);
    }
    wait_out(host);
    CHECK(host.held_by(web).empty());
    CHECK(host.account->at("203.0.113.1").mac == foreign);
    CHECK(host.notes(NoteKind::waiting).size() == 1);
}

TEST_CASE("a MAC that was deleted or changed in the console is followed") {
    World host;
    host.add_addresses(3);
    host.start_daemon();
    define(host);
    host.run_until_quiet();
    SECTION("deleted") {
        host.account->at("203.0.113.1").mac.reset();
    }
    SECTION("changed") {
        host.account->at("203.0.113.1").mac = Mac::parse("52:54:00:aa:bb:cc");
    }
    host.clock.advance(2min);
    host.run_until_quiet();
    CHECK(host.held_by(web).at(0).state == LeaseState::active);
    CHECK(host.mac_of(web) == host.account->at("203.0.113.1").mac);
    CHECK(host.broken_rule() == "");
}

TEST_CASE("an address that was routed to none is ours only by a read 30 s after our order") {
    auto settings = simple_settings();
    settings.pools["public"].warm = 0;
    World host{settings};
    host.account->add("203.0.113.1", {});
    host.start_daemon();
    define(host);
    (void)host.settle_once();
    CHECK(host.account->at("203.0.113.1").server == this_server);
    host.clock.advance(29s);
    (void)host.settle_once(Sync::always);
    CHECK_FALSE(host.account->at("203.0.113.1").mac);
    SECTION("another server wanted it too") {
        host.account->at("203.0.113.1").server = other_server;
        host.clock.advance(2s);
        host.run_until_quiet();
        CHECK_FALSE(host.account->at("203.0.113.1").mac);
        CHECK(host.held_by(web).at(0).state == LeaseState::away);
    }
    SECTION("it stayed here") {
        host.clock.advance(2s);
        host.run_until_quiet();
        CHECK(host.held_by(web).at(0).state == LeaseState::active);
    }
}
