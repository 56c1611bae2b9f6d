#include "core/provider_step.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Kind = ProviderStep::Kind;

namespace {

const std::string a = "203.0.113.1";
const std::string web = "web.vm.example.com";

struct Given {
    explicit Given(Lease given) : row{std::move(given)} { facts.cooldown = 5min; }

    Lease row;
    std::optional<ProviderAddress> known = seen(a, here);
    StepFacts facts{row, {}, {}, here, {}, 5min, noon, noon};

    [[nodiscard]] ProviderStep step() {
        facts.facts = known;
        return next_step(facts);
    }
};

/// Every state, with and without a MAC of ours.
std::vector<Lease> all_rows() {
    std::vector<Lease> rows;
    for (const auto state : {LeaseState::warming, LeaseState::warm, LeaseState::pending, LeaseState::active,
                             LeaseState::releasing, LeaseState::cooling, LeaseState::away}) {
        rows.push_back(lease(a, state));
        rows.push_back(lease(a, state, mac(1)));
        rows.back().rdns = RdnsState::pending;
        rows.back().hostname = web;
    }
    return rows;
}

}  // namespace

TEST_CASE("an address that is elsewhere is never written to, unless its guest came from there") {
    for (const auto& row : all_rows()) {
        Given given{row};
        given.known = seen(a, there, mac(1));
        const auto step = given.step();
        CAPTURE(name_of(row.state), name_of(step.kind));
        CHECK_FALSE(is_call(step.kind));
        if (is_held(row.state)) CHECK(step.kind != Kind::erase);
    }
    auto row = lease(a, LeaseState::pending, mac(1));
    row.stay = Stay::arriving;
    Given given{row};
    given.known = seen(a, there, mac(1));
    CHECK(given.step().kind == Kind::route);
}

TEST_CASE("an address that a list lacks is never written to, and its holder keeps it") {
    for (const int missing : {1, 2, 9}) {
        for (const auto& row : all_rows()) {
            Given given{row};
            given.known = seen(a, here, mac(1), missing);
            const auto step = given.step();
            CAPTURE(name_of(row.state), missing);
            CHECK_FALSE(is_call(step.kind));
            if (is_held(row.state)) CHECK(step.kind == Kind::none);
        }
    }
    Given never{lease(a, LeaseState::pending)};
    never.known.reset();
    CHECK(never.step().kind == Kind::none);
}

TEST_CASE("a MAC that nobody of us asked for is a person's: the row goes, the MAC stays") {
    for (const auto state : {LeaseState::warming, LeaseState::pending}) {
        Given given{lease(a, state)};
        given.known = seen(a, here, mac(9));
        CHECK(given.step().kind == Kind::erase);
    }
    Given releasing{lease(a, LeaseState::releasing)};
    releasing.known = seen(a, here, mac(9));
    CHECK_FALSE(is_call(releasing.step().kind));
    CHECK(releasing.step().lease.state == LeaseState::cooling);
}

TEST_CASE("going forward: route, wait for it, MAC, name") {
    Given given{lease(a, LeaseState::pending)};
    given.row.rdns = RdnsState::pending;
    given.known = seen(a, {});
    auto step = given.step();
    REQUIRE(step.kind == Kind::route);
    CHECK(step.lease.routed_at == noon);

    given.row = step.lease;
    given.facts.now = noon + 1s;
    step = given.step();
    CHECK(step.kind == Kind::wait);
    CHECK(step.due == noon + 30s);

    given.known = seen(a, here);
    given.facts.now = noon + 29s;
    CHECK(given.step().kind == Kind::wait);
    given.facts.now = noon + 30s;
    given.facts.synced_at = noon + 29s;
    CHECK(given.step().kind == Kind::read);
    given.facts.synced_at = noon + 30s;
    step = given.step();
    REQUIRE(step.kind == Kind::save);
    CHECK_FALSE(step.lease.routed_at);

    given.row = step.lease;
    step = given.step();
    REQUIRE(step.kind == Kind::issue_mac);
    CHECK(step.lease.is_mac_asked);

    given.row = step.lease;
    given.known = seen(a, here, mac(1));
    step = given.step();
    REQUIRE(step.kind == Kind::save);
    CHECK(step.lease.state == LeaseState::active);
    CHECK(step.lease.mac == mac(1));

    given.row = step.lease;
    step = given.step();
    REQUIRE(step.kind == Kind::set_reverse);
    given.row = step.lease;
    CHECK(given.step().kind == Kind::wait);
    given.known->reverse = web;
    step = given.step();
    CHECK(step.lease.rdns == RdnsState::set);
    given.row = step.lease;
    CHECK(given.step().kind == Kind::none);
}

TEST_CASE("an order that no read shows is sent again after 30 s") {
    Given given{lease(a, LeaseState::pending)};
    given.row.routed_at = noon;
    given.known = seen(a, {});
    given.facts.now = noon + 29s;
    CHECK(given.step().kind == Kind::wait);
    given.facts.now = noon + 30s;
    CHECK(given.step().kind == Kind::route);
    given.facts.now = noon - 48h;  // the clock was set back
    CHECK(given.step().kind == Kind::route);
}

TEST_CASE("going back: name, MAC, quarantine, nothing") {
    Given given{lease(a, LeaseState::active, mac(1))};
    given.row.state = LeaseState::releasing;
    given.known = seen(a, here, mac(1));
    given.known->reverse = web;
    CHECK(given.step().kind == Kind::reset_reverse);
    given.known->reverse = "default.example.net";
    CHECK(given.step().kind == Kind::revoke_mac);
    given.known->mac.reset();
    const auto step = given.step();
    REQUIRE(step.kind == Kind::save);
    CHECK(step.lease.state == LeaseState::cooling);
    CHECK(step.lease.cooling_until == noon + 5min);
    CHECK_FALSE(step.lease.mac);
    CHECK_FALSE(step.lease.is_mac_asked);
    CHECK(step.lease.rdns == RdnsState::none);

    given.row = step.lease;
    CHECK(given.step().kind == Kind::wait);
    CHECK(given.step().due == noon + 5min);
    given.facts.now = noon + 5min;
    CHECK(given.step().kind == Kind::erase);
}

TEST_CASE("nothing is given up on what was read before our last call") {
    Given given{lease(a, LeaseState::active)};
    given.row.state = LeaseState::releasing;
    given.row.is_mac_asked = true;
    given.facts.is_fresh = false;
    for (const auto& known : {seen(a, here), seen(a, there), seen(a, {}), seen(a, here, mac(1))}) {
        given.known = known;
        CHECK(given.step().kind == Kind::read);
    }
}

TEST_CASE("a releasing name is reset when it is ours, and only then") {
    Given given{lease(a, LeaseState::active)};
    given.row.state = LeaseState::releasing;
    given.known->reverse = "person.example.com";
    given.row.rdns = RdnsState::set;
    CHECK(given.step().kind == Kind::save);
    given.row.rdns = RdnsState::none;
    given.known->reverse = web;
    CHECK(given.step().kind == Kind::save);
    given.row.rdns = RdnsState::pending;
    given.row.rdns_tries = 0;
    given.known->reverse = "default.example.net";
    CHECK(given.step().kind == Kind::save);
    given.row.rdns_tries = 1;
    CHECK(given.step().kind == Kind::reset_reverse);
}

TEST_CASE("a quarantine in the future of a clock that was set back counts from now") {
    Given given{lease(a, LeaseState::cooling)};
    given.row.cooling_until = noon + 48h;
    const auto step = given.step();
    REQUIRE(step.kind == Kind::save);
    CHECK(step.lease.cooling_until == noon + 5min);
    given.facts.cooldown = 0ms;
    CHECK(given.step().kind == Kind::erase);
}

TEST_CASE("what is lost at the provider is asked for again") {
    SECTION("the MAC") {
        Given given{lease(a, LeaseState::active, mac(1))};
        auto step = given.step();
        REQUIRE(step.kind == Kind::save);
        CHECK(step.lease.state == LeaseState::pending);
        CHECK_FALSE(step.lease.mac);
        given.row = step.lease;
        CHECK(given.step().kind == Kind::issue_mac);
    }
    SECTION("the route") {
        Given given{lease(a, LeaseState::active, mac(1))};
        given.known = seen(a, {}, mac(1));
        auto step = given.step();
        REQUIRE(step.kind == Kind::save);
        CHECK(step.lease.state == LeaseState::pending);
        given.row = step.lease;
        CHECK(given.step().kind == Kind::route);
    }
    SECTION("a changed MAC is followed") {
        Given given{lease(a, LeaseState::active, mac(1))};
        given.known = seen(a, here, mac(2));
        CHECK(given.step().kind == Kind::save);
        CHECK(given.step().lease.mac == mac(2));
    }
    SECTION("a changed name is set again") {
        Given given{lease(a, LeaseState::active, mac(1))};
        given.known = seen(a, here, mac(1));
        CHECK(given.step().kind == Kind::none);  // not read: nothing known
        given.known->reverse = "other.example.com";
        CHECK(given.step().lease.rdns == RdnsState::pending);
    }
}

TEST_CASE("a lease whose address left is away, and back when it is back") {
    Given given{lease(a, LeaseState::active, mac(1))};
    given.known = seen(a, there, mac(1));
    auto step = given.step();
    REQUIRE(step.kind == Kind::save);
    CHECK(step.lease.state == LeaseState::away);
    given.row = step.lease;
    CHECK(given.step().kind == Kind::none);
    given.known = seen(a, here, mac(1));
    CHECK(given.step().lease.state == LeaseState::active);
    given.row.stay = Stay::left;
    CHECK(given.step().kind == Kind::none);
}

TEST_CASE("further addresses of a NIC join the first one's MAC") {
    Given given{lease(a, LeaseState::pending)};
    given.row.ordinal = 1;
    CHECK(given.step().kind == Kind::none);
    given.facts.first = lease("203.0.113.9", LeaseState::pending);
    CHECK(given.step().kind == Kind::none);
    given.facts.first = lease("203.0.113.9", LeaseState::active, mac(1));
    CHECK(given.step().kind == Kind::share_mac);
    given.known = seen(a, here, mac(1));
    CHECK(given.step().lease.state == LeaseState::active);
    given.known = seen(a, here, mac(2));
    CHECK(given.step().kind == Kind::erase);
    given.row.is_mac_asked = true;  // a warm one of its own
    CHECK(given.step().kind == Kind::revoke_mac);
}

TEST_CASE("a busy or refusing provider is left alone until the time it was given") {
    Given given{lease(a, LeaseState::pending)};
    given.row.retry_at = noon + 30s;
    CHECK(given.step().kind == Kind::wait);
    CHECK(given.step().due == noon + 30s);
    given.facts.now = noon + 30s;
    CHECK(given.step().kind == Kind::issue_mac);
    CHECK_FALSE(given.step().lease.retry_at);
    given.facts.now = noon - 2h;
    CHECK(given.step().kind == Kind::issue_mac);
}

TEST_CASE("without an API there is nothing to ask") {
    for (const auto& row : all_rows()) {
        Given given{row};
        given.facts.traits.has_api = false;
        CHECK_FALSE(is_call(given.step().kind));
    }
}

TEST_CASE("retries grow to their limits") {
    CHECK(rdns_delay(0) == 1min);
    CHECK(rdns_delay(1) == 2min);
    CHECK(rdns_delay(5) == 32min);
    CHECK(rdns_delay(6) == 1h);
    CHECK(rdns_delay(1000) == 1h);
    for (const int failures : {1, 2, 5, 6, 7, 1000}) {
        const auto whole = std::min<std::chrono::milliseconds>(5s * (1 << std::min(failures - 1, 5)), 2min);
        for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{12345}, ~std::uint64_t{0}}) {
            CHECK(backoff_delay(failures, random, 0s) >= whole / 2);
            CHECK(backoff_delay(failures, random, 0s) <= whole);
        }
    }
    CHECK(backoff_delay(1, 0, 90s) == 90s);
    CHECK(backoff_delay(1, 0, 24h) == 10min);
    CHECK(is_over(noon, noon, 1h));
    CHECK_FALSE(is_over(noon + 1h, noon, 1h));
    CHECK(is_over(noon + 61min, noon, 1h));
}
