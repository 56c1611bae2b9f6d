#include "core/sighting.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

GuestId id(int number) {
    return {GuestKind::libvirt, "u-" + std::to_string(number)};
}

AbsenceFacts facts(int guests) {
    AbsenceFacts facts;
    for (int i = 1; i <= guests; ++i) {
        auto row = lease("203.0.113." + std::to_string(i), LeaseState::active, mac(i));
        row.guest = id(i);
        facts.leases.push_back(row);
        facts.present.insert(id(i));
    }
    facts.origins = {"host/qemu"};
    facts.now = {noon, 1h, "boot-1"};
    facts.grace = 10min;
    return facts;
}

void lose(AbsenceFacts& facts, int number, std::chrono::milliseconds seen, const std::string& boot = "boot-1") {
    facts.present.erase(id(number));
    facts.sightings.push_back({id(number), seen, boot});
}

}  // namespace

TEST_CASE("absence is seen first and proved a grace later, in the same boot") {
    auto known = facts(3);
    SECTION("present: nothing") {
        const auto plan = plan_absence(known);
        CHECK((plan.see.empty() && plan.end.empty() && plan.forget.empty() && plan.held.empty()));
    }
    SECTION("the first time") {
        known.present.erase(id(1));
        CHECK(plan_absence(known).see == std::vector{id(1)});
        CHECK(plan_absence(known).end.empty());
    }
    SECTION("a moment too early") {
        lose(known, 1, 50min + 1ms);
        CHECK(plan_absence(known).end.empty());
        CHECK(plan_absence(known).see.empty());
    }
    SECTION("a grace later") {
        lose(known, 1, 50min);
        CHECK(plan_absence(known).end == std::vector{id(1)});
    }
    SECTION("a sighting of another boot begins anew") {
        lose(known, 1, 1min, "boot-0");
        CHECK(plan_absence(known).end.empty());
        CHECK(plan_absence(known).see == std::vector{id(1)});
    }
    SECTION("another origin was listed") {
        lose(known, 1, 1min);
        known.origins = {"host/lxc"};
        CHECK(plan_absence(known).end.empty());
        CHECK(plan_absence(known).see.empty());
    }
    SECTION("present again: forgotten") {
        known.sightings.push_back({id(1), 1min, "boot-1"});
        CHECK(plan_absence(known).forget == std::vector{id(1)});
        CHECK(plan_absence(known).end.empty());
    }
}

TEST_CASE("the brake holds what would end more than half of the leases, and more than two") {
    const auto ending = [](int lost, int all) {
        auto known = facts(all);
        for (int i = 1; i <= lost; ++i) lose(known, i, 1min);
        return plan_absence(known);
    };
    CHECK(ending(1, 1).end.size() == 1);
    CHECK(ending(2, 2).end.size() == 2);
    CHECK(ending(3, 3).held.size() == 3);
    CHECK(ending(3, 3).end.empty());
    CHECK(ending(3, 5).held.size() == 3);
    CHECK(ending(3, 6).end.size() == 3);
    CHECK(ending(4, 6).held.size() == 4);
    auto known = facts(3);
    for (int i = 1; i <= 3; ++i) lose(known, i, 1min);
    known.is_confirmed = true;
    CHECK(plan_absence(known).end.size() == 3);
    CHECK(plan_absence(known).held.empty());
}

TEST_CASE("the brake counts leases, not guests") {
    auto known = facts(5);
    for (auto& row : known.leases) {
        if (row.address < ip("203.0.113.4")) row.guest = id(1);
    }
    lose(known, 1, 1min);
    CHECK(plan_absence(known).held == std::vector{id(1)});
}

TEST_CASE("what others hold does not make many look like few") {
    auto known = facts(8);
    for (std::size_t i = 4; i < 8; ++i) known.leases[i].origin = "pve/proxmox";  // not listed now
    for (int i = 1; i <= 4; ++i) lose(known, i, 1min);
    CHECK(plan_absence(known).held.size() == 4);
    CHECK(plan_absence(known).end.empty());
}
