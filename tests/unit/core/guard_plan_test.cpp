#include "core/guard_plan.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

const Mac own = mac(1);

Now at(std::chrono::milliseconds boot, const std::string& boot_id = "boot-1") {
    return {noon + boot, boot, boot_id};
}

GuardMac allowed(int number, const std::string& address) {
    return {mac(number), {ip(address)}, std::nullopt};
}

std::vector<Mac> macs_of(const std::vector<GuardMac>& set) {
    std::vector<Mac> macs;
    for (const auto& each : set) macs.push_back(each.mac);
    return macs;
}

BridgeView bridge(const std::string& name, const Mac& wears, const std::string& uplink) {
    return {name, wears, {{uplink, true, own}, {"vnet0", false, mac(99)}}};
}

struct Given {
    Settings settings = one_pool();
    std::map<std::string, GuardFacts::Provider> providers{{"dedibox", {{own}, {allowed(10, "203.0.113.1")}, true}}};
    std::vector<BridgeView> bridges{bridge("br0", own, "eno1")};
    std::vector<KnownUplink> known;
    std::vector<UplinkState> standing;

    [[nodiscard]] GuardPlan plan() const { return plan_guard({settings, providers, bridges, known, standing}); }
};

}  // namespace

TEST_CASE("a MAC enters with the first list that shows it for this server") {
    const auto next = next_guard_set({},
                                     {seen("203.0.113.1", here, mac(1)), seen("203.0.113.2", there, mac(2)),
                                      seen("203.0.113.3", std::nullopt, mac(3)), seen("203.0.113.4", here),
                                      seen("203.0.113.5", here, mac(1)), seen("203.0.113.6", here, mac(4), 1)},
                                     here, at(0ms), 10min);
    REQUIRE(next.macs.size() == 1);
    CHECK(next.macs[0] == GuardMac{mac(1), {ip("203.0.113.1"), ip("203.0.113.5")}, std::nullopt});
    CHECK(next.lacking == 0);
}

TEST_CASE("a MAC leaves after two lists a grace apart in one boot that lack it") {
    const std::vector<ProviderAddress> both{seen("203.0.113.1", here, mac(1)), seen("203.0.113.2", here, mac(2))};
    const std::vector<ProviderAddress> one{seen("203.0.113.1", here, mac(1)), seen("203.0.113.2", here)};
    auto set = next_guard_set({}, both, here, at(0ms), 10min).macs;
    const auto list = [&](const std::vector<ProviderAddress>& shown, const Now& now) {
        set = next_guard_set(set, shown, here, now, 10min).macs;
        return set.size();
    };
    CHECK(list(one, at(1min)) == 2);
    CHECK(set[1].missing_since == at(1min));
    CHECK(list(one, at(10min + 59s)) == 2);
    SECTION("then it is gone") {
        CHECK(list(one, at(11min)) == 1);
    }
    SECTION("a list that shows it again begins anew") {
        CHECK(list(both, at(11min)) == 2);
        CHECK_FALSE(set[1].missing_since);
        CHECK(list(one, at(12min)) == 2);
    }
    SECTION("another boot begins anew") {
        CHECK(list(one, at(20min, "boot-2")) == 2);
        CHECK(list(one, at(29min, "boot-2")) == 2);
        CHECK(list(one, at(30min, "boot-2")) == 1);
    }
    SECTION("so does an address that is routed elsewhere now") {
        const std::vector<ProviderAddress> moved{both[0], seen("203.0.113.2", there, mac(2))};
        CHECK(list(moved, at(11min)) == 1);
    }
}

TEST_CASE("a list that lacks more than half takes nothing, and what it adds still enters") {
    std::vector<GuardMac> known{allowed(1, "203.0.113.1"), allowed(2, "203.0.113.2"), allowed(3, "203.0.113.3")};
    const auto next = next_guard_set(known, {seen("203.0.113.3", here, mac(3)), seen("203.0.113.4", here, mac(4))},
                                     here, at(0ms), 0ms);
    CHECK(next.lacking == 2);
    CHECK(macs_of(next.macs) == std::vector<Mac>{mac(1), mac(2), mac(3), mac(4)});
    CHECK(std::none_of(next.macs.begin(), next.macs.end(), [](const GuardMac& each) { return each.missing_since; }));
    // The only one is no crowd: a person took it away in the console.
    known.resize(1);
    CHECK(next_guard_set(known, {}, here, at(0ms), 0ms).macs[0].missing_since);
}

TEST_CASE("a shared MAC stays while another address has it") {
    const std::vector<GuardMac> known{{mac(1), {ip("203.0.113.1"), ip("203.0.113.2")}, std::nullopt}};
    const auto rest = without_address(known, ip("203.0.113.1"));
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].addresses == std::vector<Address>{ip("203.0.113.2")});
    CHECK(without_address(rest, ip("203.0.113.2")).empty());
}

TEST_CASE("an uplink lets out the server's MACs and the registered ones") {
    Given given;
    given.settings.pools["public"].ipv6 = {Prefix::parse("2001:db8::/32")};
    const auto plan = given.plan();
    REQUIRE(plan.rules.size() == 1);
    const auto& rules = plan.rules[0];
    CHECK(rules.uplink == "eno1");
    CHECK(rules.mode == GuardMode::enforce);
    CHECK(rules.own == std::set<Mac>{own});
    CHECK(rules.registered == std::map<Mac, std::set<Address>>{{mac(10), {ip("203.0.113.1")}}});
    CHECK(rules.ipv6 == given.settings.pools["public"].ipv6);
    CHECK(plan.bridges[0].problem.empty());
    CHECK(plan.known == std::vector<KnownUplink>{{"br0", "eno1", own}});
}

TEST_CASE("where the provider does not tell the server's MACs, the uplink's permanent one is it") {
    Given given;
    given.providers["dedibox"].server_macs.clear();
    given.bridges[0].ports[0].own_mac = mac(5);
    given.bridges[0].mac = mac(5);
    CHECK(given.plan().rules.at(0).own == std::set<Mac>{mac(5)});
}

TEST_CASE("a named uplink counts before one that was found, and need not be a port yet") {
    Given given;
    given.settings.pools["public"].uplinks = {"bond0"};
    const auto plan = given.plan();
    REQUIRE(plan.rules.size() == 1);
    CHECK(plan.rules[0].uplink == "bond0");
}

TEST_CASE("a named uplink guards the bridge whose port it is") {
    Given given;
    given.settings.pools["public"].bridges = {"br0", "br1"};
    given.settings.pools["public"].uplinks = {"eno1", "eno2"};
    given.bridges.push_back(bridge("br1", own, "eno2"));
    const auto plan = given.plan();
    REQUIRE(plan.bridges.size() == 2);
    CHECK(plan.bridges[0].uplinks == std::vector<std::string>{"eno1"});
    CHECK(plan.bridges[1].uplinks == std::vector<std::string>{"eno2"});
    CHECK(plan.rules.size() == 2);
}

TEST_CASE("an uplink that is no port of its bridge guards nothing, and is told which one to name") {
    Given given;
    auto& named = given.settings.pools["public"].uplinks;
    const auto judged = [&] {
        const auto guard = given.plan().bridges.at(0);
        std::vector<UplinkState> standing;
        for (const auto& uplink : guard.uplinks) standing.push_back({uplink, GuardMode::enforce, true, 2});
        CHECK(is_guarded(guard, standing) == !guard.is_elsewhere);
        CHECK(guard.problem.empty() == !guard.is_elsewhere);
        return guard;
    };
    SECTION("its rules stand all the same: it may become one") {
        named = {"enp7s0"};
        CHECK(judged().is_elsewhere);
        CHECK(judged().problem.find("enp7s0 is no port of br0; its uplink seems to be eno1") == 0);
        CHECK(given.plan().rules.at(0).uplink == "enp7s0");
    }
    SECTION("where no port is known as an uplink, that is said") {
        named = {"enp7s0"};
        given.bridges[0].ports[0].is_uplink = false;
        CHECK(judged().is_elsewhere);
        CHECK(judged().problem.find("none of its ports is known as its uplink") != std::string::npos);
    }
    SECTION("one that is a port is enough; a card beside it is told") {
        named = {"enp7s0", "eno1"};
        CHECK(judged().beside.empty());
        given.bridges[0].ports.push_back({"eno2", true, own});
        CHECK_FALSE(judged().is_elsewhere);
        CHECK(judged().beside == "eno2");
        named = {"eno1", "eno2"};
        CHECK(judged().beside.empty());
    }
    SECTION("what its port stands on sees each frame, too") {
        named = {"eno3", "eno4"};
        given.bridges[0].ports[0] = {"bond0", true, own, {"eno3", "eno4"}};
        CHECK_FALSE(judged().is_elsewhere);
        CHECK(judged().beside.empty());
    }
    SECTION("a named port need not be a card") {
        named = {"vnet0", "eno1"};
        CHECK_FALSE(judged().is_elsewhere);
    }
    SECTION("one of last time that is no port any more is none, either") {
        given.bridges[0].ports.erase(given.bridges[0].ports.begin());
        given.known = {{"br0", "eno1", own}};
        CHECK(judged().is_elsewhere);
        CHECK(given.plan().rules.at(0).uplink == "eno1");
    }
    SECTION("before the bridge stands nothing is held against it") {
        named = {"enp7s0"};
        CHECK(judged().exists);
        given.bridges.clear();
        CHECK_FALSE(judged().is_elsewhere);
        CHECK_FALSE(judged().exists);
        CHECK(given.plan().rules.at(0).uplink == "enp7s0");
    }
}

TEST_CASE("pools on one bridge share its uplink, and the strictest mode counts") {
    Given given;
    given.settings.providers["backup"] = given.settings.providers["dedibox"];
    given.settings.pools["second"] = pool("second");
    given.settings.pools["second"].provider = "backup";
    given.settings.pools["public"].guard = GuardMode::observe;
    given.providers["backup"] = {{}, {allowed(20, "198.51.100.1")}, true};
    const auto plan = given.plan();
    REQUIRE(plan.rules.size() == 1);
    CHECK(plan.rules[0].mode == GuardMode::enforce);
    CHECK(plan.rules[0].registered.size() == 2);
    given.settings.pools["second"].guard = GuardMode::observe;
    CHECK(given.plan().rules[0].mode == GuardMode::observe);
    given.settings.pools["second"].guard = given.settings.pools["public"].guard = GuardMode::off;
    CHECK(given.plan().rules.empty());
}

TEST_CASE("before bridges come up the uplinks of last time are guarded") {
    Given given;
    given.bridges.clear();
    CHECK(given.plan().rules.empty());
    CHECK(given.plan().bridges.at(0).problem.find("not known") != std::string::npos);
    given.known = {{"br0", "eno1", own}};
    const auto plan = given.plan();
    REQUIRE(plan.rules.size() == 1);
    CHECK(plan.known == given.known);
    given.providers.clear();
    CHECK(given.plan().rules.at(0).own == std::set<Mac>{own});
    given.known[0].own_mac.reset();
    CHECK(given.plan().rules.empty());
}

TEST_CASE("a bridge with a foreign MAC keeps enforce from coming up, says how to mend it, and takes nothing down") {
    Given given;
    given.bridges[0].mac = mac(7);
    CHECK(given.plan().rules.empty());
    CHECK(given.plan().bridges[0].problem.find("ip link set dev br0 address " + own.text()) != std::string::npos);
    given.standing = {{"eno1", GuardMode::enforce, true, 2}};
    CHECK(given.plan().rules.size() == 1);
    CHECK_FALSE(given.plan().bridges[0].problem.empty());
    given.standing.clear();
    given.settings.pools["public"].guard = GuardMode::observe;
    CHECK(given.plan().rules.size() == 1);
}

TEST_CASE("before the provider was read once nobody is cut off; what stands then stays") {
    Given given;
    given.providers["dedibox"].is_read = false;
    CHECK(given.plan().rules.empty());
    CHECK(given.plan().bridges[0].problem.find("failover-ip pool sync") != std::string::npos);
    given.standing = {{"eno1", GuardMode::enforce, true, 2}};
    CHECK(given.plan().rules.size() == 1);
}

TEST_CASE("a bridge without an uplink is not guarded") {
    Given given;
    given.bridges[0].ports.erase(given.bridges[0].ports.begin());
    const auto plan = given.plan();
    CHECK(plan.rules.empty());
    CHECK(plan.bridges[0].problem.find("pools.*.uplinks") != std::string::npos);
    CHECK_FALSE(is_guarded(plan.bridges[0], {}));
}

TEST_CASE("a bridge is guarded when all its uplinks are enforced in the kernel") {
    const BridgeGuard guard{"br0", GuardMode::enforce, {"eno1", "eno2"}, {}};
    std::vector<UplinkState> standing{{"eno1", GuardMode::enforce, true, 1}, {"eno2", GuardMode::observe, true, 1}};
    CHECK_FALSE(is_guarded(guard, standing));
    standing[1].mode = GuardMode::enforce;
    CHECK(is_guarded(guard, standing));
    CHECK_FALSE(is_guarded({"br0", GuardMode::observe, {"eno1"}, {}}, standing));
}

TEST_CASE("what is remembered of uplinks comes back, and damage is left out") {
    const std::vector<KnownUplink> known{{"br0", "eno1", own}, {"br1", "bond0.7", std::nullopt}};
    CHECK(known_uplinks(text_of(known)) == known);
    CHECK(known_uplinks("br0\n\n x\nbr0  y\nbr0 eno1 junk\nbr9 eno9 " + own.text()) ==
          std::vector<KnownUplink>{{"br0", "eno1", std::nullopt}, {"br9", "eno9", own}});
}
