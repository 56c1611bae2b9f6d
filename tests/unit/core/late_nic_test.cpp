// NICs of running guests: what they must wear, and what can be done about it.
#include "core/guest_plan.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

Nic live_nic(const Mac& worn, const std::string& bridge = "br0", std::size_t index = 0) {
    auto made = nic(worn, bridge, index);
    made.can_unplug = true;
    return made;
}

struct Running {
    Settings settings = one_pool();
    std::map<std::string, ProviderTraits> traits{{"dedibox", {true, true, ip("62.210.0.1"), 32}}};
    Guest guest;
    std::vector<Lease> leases{lease("203.0.113.1", LeaseState::active, mac(1))};

    Running() {
        settings.pools["private"] = pool("private", "br1");
        guest.id = {GuestKind::libvirt, "u-web"};
        guest.name = "web";
        guest.origin = "host/qemu";
        guest.is_running = true;
        guest.nics = {nic(mac(1))};
        guest.live_nics = {live_nic(mac(50))};
        guest.run = Run{100ms, false, false, false};
        leases[0].bridge = "br0";
    }
    void make_transient() {
        guest.is_persistent = false;
        guest.nics = guest.live_nics;
    }
    [[nodiscard]] GuestPlan plan() const {
        return plan_guest({guest, settings, traits, leases, {}, {}, {noon, 1h, "boot-1"}});
    }
    [[nodiscard]] Remedy remedy() const {
        const auto found = plan().wrong;
        REQUIRE(found.size() == 1);
        CHECK(found[0].mac == mac(1));
        return found[0].remedy;
    }
};

}  // namespace

TEST_CASE("a NIC that started with a wrong MAC is swapped while the guest is in its firmware") {
    Running given;
    CHECK(given.remedy() == Remedy::swap);
    given.guest.run->age = 2000ms;
    CHECK(given.remedy() == Remedy::swap);
    given.guest.run->age = 2001ms;
    CHECK(given.remedy() == Remedy::hold);
    CHECK(given.plan().remarks.at(0).find("stop it and start it again") != std::string::npos);
    SECTION("a direct kernel has a short firmware") {
        given.guest.run->has_kernel = true;
        given.guest.run->age = 1001ms;
        CHECK(given.remedy() == Remedy::hold);
        given.guest.run->age = 1000ms;
        CHECK(given.remedy() == Remedy::swap);
    }
    SECTION("what was started paused has all the time") {
        given.guest.run->is_paused = true;
        CHECK(given.remedy() == Remedy::swap);
    }
}

TEST_CASE("what continues from elsewhere, or cannot unplug, or of which nothing is known, is not reset") {
    Running given;
    SECTION("restored or migrated") {
        given.guest.run->is_resumed = true;
    }
    SECTION("no hot-plug") {
        given.guest.live_nics[0].can_unplug = false;
    }
    SECTION("not a QEMU process") {
        given.guest.run.reset();
    }
    SECTION("the configuration says hold") {
        given.settings.on_wrong_mac = OnWrongMac::hold;
    }
    CHECK(given.remedy() == Remedy::hold);
}

TEST_CASE("a late guest is restarted where the configuration says so and it has a definition") {
    Running given;
    given.settings.on_wrong_mac = OnWrongMac::restart;
    CHECK(given.remedy() == Remedy::swap);
    given.guest.run->age = 1h;
    CHECK(given.remedy() == Remedy::restart);
    given.make_transient();
    CHECK(given.remedy() == Remedy::hold);
}

TEST_CASE("a right NIC is left alone, and so is every NIC of a guest that is not managed") {
    Running given;
    given.guest.live_nics = {live_nic(mac(1))};
    CHECK(given.plan().wrong.empty());
    CHECK(given.plan().wants.empty());
    given.guest.live_nics = {live_nic(mac(50))};
    given.guest.request = Request{};
    given.guest.request->is_enabled = false;
    CHECK(given.plan().wrong.empty());
}

TEST_CASE("a transient guest gets an address only while its NIC can be changed") {
    Running given;
    given.make_transient();
    given.leases.clear();
    const auto plan = given.plan();
    REQUIRE(plan.wants.size() == 1);
    CHECK(plan.wants[0].bridge == "br0");
    CHECK_FALSE(plan.edit);
    given.guest.run->age = 1h;
    CHECK(given.plan().wants.empty());
    CHECK(given.plan().nics.at(0).problem.find("is not one of ours") != std::string::npos);
}

TEST_CASE("a hot-plugged NIC that is not in the definition gets an address of its own, and is plugged in anew") {
    Running given;
    given.guest.live_nics = {live_nic(mac(1)), live_nic(mac(51), "br0", 1)};
    given.guest.live_nics[1].is_plugged = true;
    given.guest.run->age = 1h;
    const auto plan = given.plan();
    REQUIRE(plan.wants.size() == 1);
    CHECK(plan.wants[0].slot == "1");
    REQUIRE(plan.nics.size() == 2);
    CHECK(plan.nics[1].is_live_only);

    auto second = lease("203.0.113.2", LeaseState::active, mac(2));
    second.slot = "1";
    second.bridge = "br0";
    given.leases.push_back(second);
    CHECK(given.plan().wrong == std::vector<WrongNic>{{1, "1", mac(2), Remedy::replug}});
    // What is only plugged in is not in the record of the definition.
    REQUIRE(given.plan().edit);
    CHECK(given.plan().edit->records.size() == 1);

    SECTION("unplugged, its address is given back") {
        given.guest.live_nics.pop_back();
        REQUIRE(given.plan().end.size() == 1);
        CHECK(given.plan().end[0].address == second.address);
    }
    SECTION("wearing its MAC it is left alone") {
        given.guest.live_nics[1].mac = mac(2);
        CHECK(given.plan().wrong.empty());
        CHECK(given.plan().end.empty());
    }
}

TEST_CASE("running NICs are told apart by MAC, then by place, then by order") {
    Running given;
    auto second = lease("203.0.113.2", LeaseState::active, mac(2));
    second.slot = "1";
    second.bridge = "br0";
    given.leases.push_back(second);
    given.guest.nics = {nic(mac(1)), nic(mac(2), "br0", 1)};
    given.guest.nics[0].place = "0000:01:00.0";
    given.guest.nics[1].place = "0000:02:00.0";
    given.guest.live_nics = {live_nic(mac(60), "br0", 0), live_nic(mac(61), "br0", 1)};
    given.guest.live_nics[0].place = "0000:02:00.0";
    given.guest.live_nics[1].place = "0000:01:00.0";
    const auto by_place = given.plan().wrong;
    CHECK(std::find(by_place.begin(), by_place.end(), WrongNic{1, "0", mac(1), Remedy::swap}) != by_place.end());
    CHECK(std::find(by_place.begin(), by_place.end(), WrongNic{0, "1", mac(2), Remedy::swap}) != by_place.end());
    given.guest.live_nics[0].mac = mac(1);
    CHECK(given.plan().wrong == std::vector<WrongNic>{{1, "1", mac(2), Remedy::swap}});
}

TEST_CASE("a running NIC that wears the MAC of a lease stays, whatever its definition has in its place by now") {
    Running given;
    given.guest.run->age = 1h;
    for (const int number : {2, 3}) {
        auto more = lease("203.0.113." + std::to_string(number), LeaseState::active, mac(number));
        more.slot = std::to_string(number - 1);
        more.bridge = "br0";
        given.leases.push_back(more);
    }
    given.guest.nics = {nic(mac(1)), nic(mac(3), "br0", 1)};
    given.guest.live_nics = {live_nic(mac(1)), live_nic(mac(2), "br0", 1)};
    SECTION("by order") {
        given.guest.live_nics[1].is_plugged = true;
    }
    SECTION("by place") {
        given.guest.nics[1].place = given.guest.live_nics[1].place = "0000:02:00.0";
    }
    SECTION("and where a restart is asked for") {
        given.settings.on_wrong_mac = OnWrongMac::restart;
    }
    const auto plan = given.plan();
    CHECK(plan.wrong.empty());
    CHECK(plan.end.empty());
    CHECK(plan.wants.empty());
    REQUIRE(plan.nics.size() == 3);
    CHECK(plan.nics[2].is_live_only);
    CHECK(plan.nics[2].mac == mac(2));
    given.guest.is_running = false;
    given.guest.live_nics.clear();
    REQUIRE(given.plan().end.size() == 1);
    CHECK(given.plan().end[0].address == ip("203.0.113.2"));
}

TEST_CASE("a running NIC that was moved to another managed bridge needs an address from there") {
    Running given;
    given.guest.run->age = 1h;
    given.guest.live_nics = {live_nic(mac(1), "br1")};
    SECTION("of a guest with a definition") {
        const auto plan = given.plan();
        REQUIRE(plan.wants.size() == 1);
        CHECK(plan.wants[0].pool == "private");
        CHECK(plan.end.empty());  // its definition still has the NIC on the old bridge
    }
    SECTION("of a transient one") {
        given.make_transient();
        const auto plan = given.plan();
        REQUIRE(plan.wants.size() == 1);
        CHECK(plan.wants[0].pool == "private");
        CHECK(plan.end.empty());  // rule 2: it still wears the old MAC
        auto fresh = lease("203.0.113.9", LeaseState::active, mac(9));
        fresh.pool = "private";
        fresh.bridge = "br1";
        given.leases[0].slot = "1";
        given.leases.push_back(fresh);
        CHECK(given.plan().wrong == std::vector<WrongNic>{{0, "0", mac(9), Remedy::replug}});
        given.guest.nics[0].mac = given.guest.live_nics[0].mac = mac(9);
        REQUIRE(given.plan().end.size() == 1);
        CHECK(given.plan().end[0].address == ip("203.0.113.1"));
    }
    SECTION("also where the definition says so by now") {
        given.guest.nics = {nic(mac(1), "br1")};
        REQUIRE(given.plan().wants.size() == 1);
        CHECK(given.plan().end.empty());
        auto fresh = lease("203.0.113.9", LeaseState::active, mac(9));
        fresh.pool = "private";
        fresh.bridge = "br1";
        given.leases[0].slot = "1";
        given.leases.push_back(fresh);
        given.guest.live_nics[0].is_plugged = true;
        given.guest.nics[0].mac = mac(9);
        CHECK(given.plan().wrong == std::vector<WrongNic>{{0, "0", mac(9), Remedy::replug}});
    }
}

TEST_CASE("narrowing a pool moves nothing: the NIC hangs where it hung") {
    Running given;
    given.guest.live_nics = {live_nic(mac(1))};
    given.settings.pools["private"].bridges = {"br0", "br1"};
    given.settings.pools["public"].bridges = {"br7"};
    const auto plan = given.plan();
    CHECK(plan.wants.empty());
    CHECK(plan.end.empty());
}

TEST_CASE("a NIC that the running guest lacks waits for its next start") {
    Running given;
    given.guest.live_nics.clear();
    CHECK(given.plan().wrong.empty());
    CHECK(given.plan().remarks.at(0).find("runs without its NIC on br0") != std::string::npos);
}
