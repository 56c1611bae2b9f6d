// The guard's set follows the provider's lists, and comes before every deletion.
#include "app/guard.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

const Mac own = Mac::parse("02:aa:00:00:00:01");

/// A kernel in memory.
class FakeGuard final : public Guard {
public:
    [[nodiscard]] std::vector<BridgeView> bridges(const std::vector<std::string>& names) const override {
        if (std::find(names.begin(), names.end(), "br0") == names.end()) return {};
        return {{"br0", bridge_mac, {{"eno1", true, own}}}};
    }
    void apply(const GuardRules& wanted) override {
        if (is_broken) throw GuardError{"nft is not there"};
        rules = wanted;
        ++writes;
    }
    void remove() override { rules.clear(); }
    [[nodiscard]] std::vector<UplinkState> state() const override {
        std::vector<UplinkState> standing;
        for (const auto& each : rules) standing.push_back({each.uplink, each.mode, true, each.registered.size()});
        return standing;
    }
    [[nodiscard]] bool passes(const std::string&, const Mac& mac) const override {
        return rules.empty() || rules[0].own.contains(mac) || rules[0].registered.contains(mac);
    }
    [[nodiscard]] std::vector<BlockedFrames> blocked() const override { return {}; }
    void forget_blocked() override {}

    Mac bridge_mac = own;
    GuardRules rules;
    int writes = 0;
    bool is_broken = false;
};

struct Guarded : World {
    Guarded() {
        account->server_macs = {own};
        add_addresses(3);
    }
    Context guarded() {
        auto with_guard = context();
        with_guard.refresh_guard = [this] { (void)keeper.refresh(context(), GuardKeeper::Depth::changes); };
        return with_guard;
    }
    Settled settle_guarded() {
        auto settled = settle(guarded(), access(), lock, Sync::always, 5s, [] { return false; });
        if (!kernel.is_broken) (void)keeper.refresh(context(), GuardKeeper::Depth::changes);
        return settled;
    }
    [[nodiscard]] bool lets_out(const Mac& mac) const {
        return std::any_of(kernel.rules.begin(), kernel.rules.end(),
                           [&](const UplinkRules& each) { return each.registered.contains(mac); });
    }

    FakeGuard kernel;
    GuardKeeper keeper{kernel, lock};
};

}  // namespace

TEST_CASE("the kernel knows a MAC before a guest can wear it") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    (void)host.settle_guarded();
    REQUIRE(host.kernel.rules.size() == 1);
    CHECK(host.kernel.rules[0].own == std::set<Mac>{own});
    for (const auto& lease : host.leases()) {
        if (lease.state == LeaseState::warm) CHECK(host.lets_out(*lease.mac));
    }
    const auto writes = host.kernel.writes;
    (void)host.settle_guarded();
    CHECK(host.kernel.writes == writes);  // nothing new, nothing written
}

TEST_CASE("a MAC is out of the kernel before it is deleted at the provider") {
    Guarded host;
    host.start_daemon();
    const auto id = host.guests.define("u-1", "one", {FakeGuests::nic("br0")});
    (void)host.settle_guarded();
    host.look(id);
    (void)host.settle_guarded();
    host.look(id);
    const auto mac = host.held_by(id).at(0).mac;
    REQUIRE(mac);
    CHECK(host.lets_out(*mac));
    host.guests.undefine(id);
    host.heard_gone(id);

    SECTION("in this order") {
        bool was_seen = false;
        host.account->before_effect = [&](ApiCall call) {
            if (call != ApiCall::revoke_mac) return;
            was_seen = true;
            CHECK_FALSE(host.lets_out(*mac));
        };
        (void)host.settle_guarded();
        (void)host.settle_guarded();
        CHECK(was_seen);
    }
    SECTION("and not at all while the kernel cannot be told") {
        host.kernel.is_broken = true;
        const auto settled = host.settle_guarded();
        CHECK(host.account->calls[ApiCall::revoke_mac] == 0);
        CHECK(texts(settled.happenings).find("nft is not there") != std::string::npos);
        host.kernel.is_broken = false;
        host.clock.advance(1min);
        (void)host.settle_guarded();
        CHECK(host.account->calls[ApiCall::revoke_mac] == 1);
        CHECK_FALSE(host.lets_out(*mac));
    }
}

TEST_CASE("with the provider down the last known set stays") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    (void)host.settle_guarded();
    const auto before = host.kernel.rules;
    REQUIRE_FALSE(before.empty());
    host.account->is_down = true;
    (void)host.settle_guarded();
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::everything);
    CHECK(host.kernel.rules == before);
}

TEST_CASE("what a person takes down stays down until it is brought up") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    REQUIRE_FALSE(host.kernel.rules.empty());
    set_guard_down(host.context());
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    CHECK(host.kernel.rules.empty());
    (void)host.settle_guarded();
    CHECK(host.kernel.rules.empty());
    set_guard_up(host.disk);
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    CHECK_FALSE(host.kernel.rules.empty());
}

TEST_CASE("a list that was not believed counts when a person takes the guard down and up") {
    Guarded host;
    host.start_daemon();
    host.disk.write([](Rows& rows) {
        std::vector<GuardMac> known;
        for (int i = 1; i <= 5; ++i) {
            known.push_back({Mac::parse("02:00:00:00:00:0" + std::to_string(i)), {Address::parse("203.0.113.9")}, {}});
        }
        rows.guard.replace("dedibox", known);
        rows.guests.set_value(guard_set_key("dedibox"), "made");
    });
    const auto settled = host.settle_guarded();
    CHECK(texts(settled.happenings).find("guard down, then up") != std::string::npos);
    CHECK(host.lets_out(Mac::parse("02:00:00:00:00:01")));
    set_guard_down(host.context());
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    set_guard_up(host.disk);
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    CHECK_FALSE(host.kernel.rules.empty());
    CHECK_FALSE(host.lets_out(Mac::parse("02:00:00:00:00:01")));
}

TEST_CASE("what somebody else deleted is written again when everything is looked at") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    const auto before = host.kernel.rules;
    host.kernel.rules.clear();
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    CHECK(host.kernel.rules.empty());
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::everything);
    CHECK(host.kernel.rules == before);
}

TEST_CASE("a store from before the guard lets out what its last list shows") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    (void)host.settle_guarded();
    const auto before = host.kernel.rules;
    REQUIRE_FALSE(before.at(0).registered.empty());
    host.kernel.rules.clear();
    host.disk.write([](Rows& rows) {
        rows.guard.replace("dedibox", {});
        rows.guests.set_value(guard_set_key("dedibox"), "");
    });
    GuardKeeper upgraded{host.kernel, host.lock};
    (void)upgraded.refresh(host.context(), GuardKeeper::Depth::everything);
    CHECK(host.kernel.rules == before);
}

TEST_CASE("a store that never saw a list brings no guard up") {
    Guarded host;
    (void)host.keeper.refresh(host.context(), GuardKeeper::Depth::everything);
    CHECK(host.kernel.rules.empty());
}

TEST_CASE("before bridges come up the remembered uplinks are guarded") {
    Guarded host;
    host.start_daemon();
    (void)host.settle_guarded();
    const auto before = host.kernel.rules;
    host.kernel.rules.clear();
    host.settings.pools["public"].bridges = {"br0"};
    class NoBridges final : public Guard {
    public:
        explicit NoBridges(FakeGuard& guard) : guard_{guard} {}
        [[nodiscard]] std::vector<BridgeView> bridges(const std::vector<std::string>&) const override { return {}; }
        void apply(const GuardRules& rules) override { guard_.apply(rules); }
        void remove() override { guard_.remove(); }
        [[nodiscard]] std::vector<UplinkState> state() const override { return guard_.state(); }
        [[nodiscard]] bool passes(const std::string& uplink, const Mac& mac) const override {
            return guard_.passes(uplink, mac);
        }
        [[nodiscard]] std::vector<BlockedFrames> blocked() const override { return {}; }
        void forget_blocked() override {}

    private:
        FakeGuard& guard_;
    } early{host.kernel};
    GuardKeeper at_boot{early, host.lock};
    (void)at_boot.refresh(host.context(), GuardKeeper::Depth::everything);
    CHECK(host.kernel.rules == before);
}

TEST_CASE("where MACs are given by hand, configuration and leases say which may leave") {
    auto settings = simple_settings();
    settings.providers["dedibox"].type = "manual";
    settings.providers["dedibox"].fixed = {{Address::parse("203.0.113.1"), Mac::parse("02:00:00:00:00:05")},
                                           {Address::parse("203.0.113.2"), std::nullopt}};
    World host{settings};
    host.traits["dedibox"].has_api = false;
    FakeGuard kernel;
    GuardKeeper keeper{kernel, host.lock};
    host.disk.write([](Rows& rows) {
        Lease lease;
        lease.address = Address::parse("203.0.113.2");
        lease.provider = "dedibox";
        lease.pool = "public";
        lease.state = LeaseState::active;
        lease.guest_name = "one";
        lease.mac = Mac::parse("02:00:00:00:00:06");
        rows.leases.put(lease);
    });
    (void)keeper.refresh(host.context(), GuardKeeper::Depth::changes);
    REQUIRE(kernel.rules.size() == 1);
    CHECK(kernel.rules[0].registered.size() == 2);
    CHECK(kernel.rules[0].own == std::set<Mac>{own});
}
