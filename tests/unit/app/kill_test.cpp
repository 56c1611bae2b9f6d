#include "world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

struct Scenario {
    std::string name;
    std::function<void(World&)> prepare;  ///< What was before; never killed.
    std::function<void(World&)> act;      ///< Killed before or after each of its effects.
    std::function<void(World&)> check;    ///< How it must look at the end, whatever happened.
    int warm = 2;
};

/// The next daemon: compares everything, and again after `grace`, because events may have been lost.
void run_again(World& host) {
    host.compare();
    host.run_until_quiet();
    host.clock.advance(host.settings.grace);
    host.compare();
    host.run_until_quiet();
    host.clock.advance(10min);
    host.run_until_quiet();
}

/// How many effects the scenario has.
int run(const Scenario& scenario, int effect, Fuse::Moment moment) {
    auto settings = simple_settings();
    settings.pools["public"].warm = scenario.warm;
    World host{settings};
    scenario.prepare(host);
    host.fuse.arm(effect, moment);
    try {
        scenario.act(host);
    } catch (const Killed&) {
        INFO("the process dies here");
    }
    const int effects = host.fuse.count();
    host.fuse.disarm();
    run_again(host);
    INFO(scenario.name << ": killed " << (moment == Fuse::Moment::before ? "before" : "after") << " effect " << effect);
    CAPTURE(texts(host.log));
    CHECK(host.broken_rule() == "");
    scenario.check(host);
    return effects;
}

void kill_everywhere(const Scenario& scenario) {
    const int effects = run(scenario, -1, Fuse::Moment::before);
    REQUIRE(effects > 2);
    for (int effect = 0; effect < effects; ++effect) {
        run(scenario, effect, Fuse::Moment::before);
        run(scenario, effect, Fuse::Moment::after);
    }
}

const GuestId web{GuestKind::libvirt, "u-web"};

void define(World& host, int addresses = 1) {
    Request request;
    request.addresses = addresses;
    host.guests.define("u-web", "web", {FakeGuests::nic("br0")}, request);
}

void serve(World& host) {
    host.look(web);
    host.run_until_quiet();
}

std::size_t stock_of(World& host) {
    const auto all = host.leases();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const Lease& lease) { return lease.state == LeaseState::warm; }));
}

void check_served(World& host, std::size_t addresses) {
    const auto leases = host.held_by(web);
    REQUIRE(leases.size() == addresses);
    for (const auto& lease : leases) {
        CHECK(lease.state == LeaseState::active);
        CHECK(lease.mac == host.mac_of(web));
        CHECK(host.account->addresses.at(lease.address).reverse == "web.vm.example.com");
    }
    CHECK(host.guests.at(web).records.at(0).addresses.size() == addresses);
}

/// All but what `others` hold.
void check_all_given_back(World& host, std::size_t others = 0) {
    CHECK(host.held_by(web).empty());
    CHECK(host.held().size() == others);
    CHECK(host.leases().size() == stock_of(host) + others);
    std::size_t macs = 0;
    for (const auto& [address, entry] : host.account->addresses) macs += entry.mac ? 1 : 0;
    CHECK(macs == stock_of(host) + others);
}

}  // namespace

TEST_CASE("killed anywhere, a define ends in a served guest") {
    kill_everywhere({"warm",
                     [](World& host) {
                         host.add_addresses(4);
                         host.start_daemon();
                         define(host);
                     },
                     serve, [](World& host) { check_served(host, 1); }});
    kill_everywhere({"cold",
                     [](World& host) {
                         host.add_addresses(3);
                         host.start_daemon();
                         define(host);
                     },
                     serve, [](World& host) { check_served(host, 1); }, 0});
    kill_everywhere({"routed to no server",
                     [](World& host) {
                         host.account->add("203.0.113.9", {});
                         host.start_daemon();
                         define(host);
                     },
                     serve, [](World& host) { check_served(host, 1); }, 0});
}

TEST_CASE("killed anywhere, a define of three addresses per NIC ends in one shared MAC") {
    kill_everywhere({"three",
                     [](World& host) {
                         host.add_addresses(5);
                         host.start_daemon();
                         define(host, 3);
                     },
                     serve, [](World& host) { check_served(host, 3); }});
}

TEST_CASE("killed anywhere, an undefine gives everything back") {
    for (const int addresses : {1, 3}) {
        kill_everywhere({"undefine of " + std::to_string(addresses),
                         [addresses](World& host) {
                             host.add_addresses(9);
                             host.start_daemon();
                             // One guest of many: else the brake would hold the end of three leases.
                             Request three;
                             three.addresses = 3;
                             host.look(host.guests.define("u-mail", "mail", {FakeGuests::nic("br0")}, three));
                             define(host, addresses);
                             serve(host);
                             host.guests.undefine(web);
                         },
                         [](World& host) {
                             host.heard_gone(web);
                             host.run_until_quiet();
                             host.clock.advance(6min);
                             host.run_until_quiet();
                         },
                         [](World& host) { check_all_given_back(host, 3); }});
    }
}

TEST_CASE("killed anywhere, undefine and define again gives the address back to the guest") {
    kill_everywhere({"again",
                     [](World& host) {
                         host.add_addresses(2);
                         host.start_daemon();
                         define(host);
                         serve(host);
                         host.guests.undefine(web);
                         host.heard_gone(web);
                         (void)host.settle_once();
                         define(host);
                     },
                     serve,
                     [](World& host) {
                         check_served(host, 1);
                         CHECK(host.held_by(web).at(0).address.text() == "203.0.113.1");
                     }});
}

TEST_CASE("killed anywhere, a rename ends with the new name, and its end with none") {
    kill_everywhere({"rename and undefine",
                     [](World& host) {
                         host.add_addresses(3);
                         host.start_daemon();
                         define(host);
                         serve(host);
                         host.guests.rename(web, "mail");
                     },
                     [](World& host) {
                         host.look(web);
                         host.run_until_quiet();
                         host.guests.undefine(web);
                         host.heard_gone(web);
                         host.run_until_quiet();
                     },
                     [](World& host) {
                         if (host.guests.has(web)) {
                             CHECK(host.account->addresses.at(host.held_by(web).at(0).address).reverse ==
                                   "mail.vm.example.com");
                             host.guests.undefine(web);
                             host.heard_gone(web);
                             host.run_until_quiet();
                             host.clock.advance(6min);
                             host.run_until_quiet();
                         }
                         check_all_given_back(host);
                         CHECK(host.broken_rule() == "");
                     }});
}

TEST_CASE("killed anywhere, a first sync ends with the stock it should keep") {
    kill_everywhere({"sync", [](World& host) { host.add_addresses(4); }, [](World& host) { host.start_daemon(); },
                     [](World& host) {
                         CHECK(stock_of(host) == 2);
                         CHECK(host.account->calls[ApiCall::issue_mac] >= 2);
                     }});
}

TEST_CASE("killed anywhere, a lost guest ends by two listings") {
    kill_everywhere({"lost",
                     [](World& host) {
                         host.add_addresses(3);
                         host.start_daemon();
                         define(host);
                         serve(host);
                         host.guests.undefine(web);  // and nobody heard it
                     },
                     [](World& host) {
                         host.compare();
                         host.clock.advance(host.settings.grace);
                         host.compare();
                         host.run_until_quiet();
                     },
                     [](World& host) { check_all_given_back(host); }});
}
