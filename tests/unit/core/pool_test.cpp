#include "core/snapshot.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

TEST_CASE("managed are NICs of our types, untagged, on a pool's bridge") {
    const auto settings = one_pool();
    CHECK(is_managed(settings, nic(mac(1))));
    CHECK_FALSE(is_managed(settings, nic(mac(1), "br1")));
    CHECK_FALSE(is_managed(settings, nic(mac(1), "")));
    auto other = nic(mac(1));
    for (const auto type : {NicType::bridge, NicType::network, NicType::direct}) {
        other.type = type;
        CHECK(is_managed(settings, other));
    }
    for (const auto type : {NicType::ethernet, NicType::other}) {
        other.type = type;
        CHECK_FALSE(is_managed(settings, other));
    }
    other = nic(mac(1));
    other.is_tagged = true;
    CHECK_FALSE(is_managed(settings, other));
}

TEST_CASE("a bridge is served by the requested pool, else by its default one") {
    auto settings = one_pool();
    settings.pools["extra"] = pool("extra");
    settings.pools["private"] = pool("private", "br1");
    settings.pools["public"].is_default = true;
    CHECK(pool_for(settings, "br0", {}).pool->name == "public");
    CHECK(pool_for(settings, "br1", {}).pool->name == "private");
    Request request;
    CHECK(pool_for(settings, "br0", request).pool->name == "public");
    request.pool = "extra";
    CHECK(pool_for(settings, "br0", request).pool->name == "extra");
    request.pool = "private";
    CHECK(pool_for(settings, "br0", request).pool == nullptr);
    CHECK(pool_for(settings, "br0", request).problem.find("does not serve the bridge br0") != std::string::npos);
    request.pool = "nowhere";
    CHECK(pool_for(settings, "br0", request).problem.find("not configured") != std::string::npos);
    CHECK(pool_for(settings, "br9", {}).pool == nullptr);
    CHECK_FALSE(pool_for(settings, "br9", {}).problem.empty());
}

TEST_CASE("an address belongs to the pool that names it, else to the one without a filter") {
    auto settings = one_pool();
    settings.pools["named"] = pool("named");
    settings.pools["named"].addresses = {Prefix::parse("203.0.113.0/28")};
    CHECK(pool_of(settings, "dedibox", ip("203.0.113.5"))->name == "named");
    CHECK(pool_of(settings, "dedibox", ip("203.0.113.16"))->name == "public");
    CHECK(pool_of(settings, "other", ip("203.0.113.5")) == nullptr);
    settings.pools.erase("public");
    CHECK(pool_of(settings, "dedibox", ip("203.0.113.16")) == nullptr);
}

TEST_CASE("each address is in one state of its pool") {
    const auto state = [](const ProviderAddress& facts, const std::optional<Lease>& row) {
        return pool_state(facts, row ? &*row : nullptr, here);
    };
    const std::string a = "203.0.113.1";
    CHECK(state(seen(a, here), {}) == PoolState::free);
    CHECK(state(seen(a, {}), {}) == PoolState::free);
    CHECK(state(seen(a, here, mac(1)), {}) == PoolState::foreign);
    CHECK(state(seen(a, there), {}) == PoolState::elsewhere);
    CHECK(state(seen(a, there, mac(1)), {}) == PoolState::elsewhere);
    CHECK(state(seen(a, here, mac(1)), lease(a, LeaseState::warm, mac(1))) == PoolState::warm);
    CHECK(state(seen(a, here), lease(a, LeaseState::warming)) == PoolState::free);
    CHECK(state(seen(a, here), lease(a, LeaseState::pending)) == PoolState::leased);
    CHECK(state(seen(a, here, mac(1)), lease(a, LeaseState::active, mac(1))) == PoolState::leased);
    CHECK(state(seen(a, here, mac(1)), lease(a, LeaseState::releasing, mac(1))) == PoolState::leased);
    CHECK(state(seen(a, here), lease(a, LeaseState::cooling)) == PoolState::cooling);
    CHECK(state(seen(a, there), lease(a, LeaseState::away, mac(1))) == PoolState::elsewhere);
    CHECK(state(seen(a, here, mac(1), 1), lease(a, LeaseState::active, mac(1))) == PoolState::leased);
    CHECK(state(seen(a, here, mac(1), 2), lease(a, LeaseState::active, mac(1))) == PoolState::gone);
    auto arriving = lease(a, LeaseState::pending, mac(1));
    arriving.stay = Stay::arriving;
    CHECK(state(seen(a, there, mac(1)), arriving) == PoolState::leased);
}

TEST_CASE("claimable is what is free for the claimant, and nothing else") {
    auto settings = one_pool();
    const auto& wanted = settings.pools["public"];
    const std::string a = "203.0.113.1";
    const Claimant web{GuestId{GuestKind::libvirt, "u-web"}, "web"};
    const Claimant mail{GuestId{GuestKind::libvirt, "u-mail"}, "mail"};
    const auto may = [&](const ProviderAddress& facts, const std::optional<Lease>& row, const Claimant& who) {
        return is_claimable(settings, wanted, facts, row ? &*row : nullptr, who, noon);
    };
    CHECK(may(seen(a, here), {}, mail));
    CHECK(may(seen(a, {}), {}, mail));
    CHECK_FALSE(may(seen(a, there), {}, mail));
    CHECK_FALSE(may(seen(a, here, mac(1)), {}, mail));
    CHECK_FALSE(may(seen(a, here, {}, 1), {}, mail));
    CHECK(may(seen(a, here, mac(1)), lease(a, LeaseState::warm, mac(1)), mail));
    CHECK(may(seen(a, here), lease(a, LeaseState::warming), mail));
    for (const auto state : {LeaseState::pending, LeaseState::active, LeaseState::away}) {
        CHECK_FALSE(may(seen(a, here), lease(a, state), mail));
        CHECK_FALSE(may(seen(a, here), lease(a, state), web));
    }
    auto former = lease(a, LeaseState::active);
    former.state = LeaseState::releasing;
    CHECK(may(seen(a, here), former, web));
    CHECK_FALSE(may(seen(a, here), former, mail));
    former.state = LeaseState::cooling;
    former.cooling_until = noon + 1s;
    CHECK(may(seen(a, here), former, web));
    CHECK(may(seen(a, here), former, Claimant{{}, "web"}));
    CHECK_FALSE(may(seen(a, here), former, mail));
    CHECK_FALSE(may(seen(a, here), former, Claimant{}));
    CHECK_FALSE(may(seen(a, here, mac(9)), former, web));
    former.cooling_until = noon;
    CHECK(may(seen(a, here), former, mail));

    settings.pools["named"] = pool("named");
    settings.pools["named"].addresses = {Prefix::parse("203.0.113.0/28")};
    CHECK_FALSE(may(seen(a, here), {}, mail));
}

TEST_CASE("a MAC that the configuration gives is no foreign one") {
    auto settings = one_pool();
    settings.providers["dedibox"].fixed = {{ip("203.0.113.1"), mac(5)}};
    const auto& wanted = settings.pools["public"];
    CHECK(is_claimable(settings, wanted, seen("203.0.113.1", here, mac(5)), nullptr, {}, noon));
    CHECK_FALSE(is_claimable(settings, wanted, seen("203.0.113.1", here, mac(6)), nullptr, {}, noon));
    CHECK_FALSE(is_claimable(settings, wanted, seen("203.0.113.2", here, mac(5)), nullptr, {}, noon));
}

TEST_CASE("an address that a list lacks is remembered while a row needs it") {
    const auto needs = [](bool is_needed) { return [is_needed](const Address&) { return is_needed; }; };
    const std::vector<ProviderAddress> known{seen("203.0.113.1", here, mac(1)), seen("203.0.113.2", here)};
    auto merged = merge_snapshot(known, {seen("203.0.113.2", there)}, needs(false));
    REQUIRE(merged.size() == 2);
    CHECK(merged[0].missing == 1);
    CHECK(merged[0].mac == mac(1));
    CHECK(merged[1].server == there);
    const auto kept = merge_snapshot(merged, {}, needs(true));
    CHECK(kept[0].missing == 2);
    CHECK(kept[1].missing == 1);
    CHECK(merge_snapshot(merged, {}, needs(false)).size() == 1);
    CHECK(merge_snapshot(kept, {seen("203.0.113.1", here)}, needs(true))[0].missing == 0);
}
