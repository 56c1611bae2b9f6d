#include "guest_table.hpp"

#include <catch2/catch.hpp>

using namespace fip::proxmox;
using namespace std::chrono_literals;

namespace {

using Ids = std::vector<int>;

/// A cluster of "pve" (ours) and "other", read once a second.
struct Readings {
    GuestTable table{"pve"};
    ClusterStamp stamp{1000, 1};
    GuestList list;
    bool is_quorate = true;
    GuestTable::TimePoint now{};

    void put(int vmid, const std::string& node = "pve") { list[vmid] = {node, GuestType::vm, ++stamp.list}; }
    void remove(int vmid) {
        list.erase(vmid);
        ++stamp.list;
    }
    ListChanges next(GuestTable::TimePoint::duration after = 1s) {
        now += after;
        return table.take(stamp, list, is_quorate, now);
    }
    /// All that is called gone within some seconds.
    Ids gone(int readings = 8) {
        Ids all;
        for (int i = 0; i < readings; ++i) {
            for (const auto& guest : next().gone) all.push_back(guest.vmid);
        }
        return all;
    }
};

}  // namespace

TEST_CASE("what is written in the list of guests is looked at once") {
    Readings readings;
    readings.put(100);
    CHECK(readings.next().is_restarted);
    CHECK(readings.next() == ListChanges{});
    readings.put(101);
    CHECK(readings.next().look == Ids{101});
    readings.put(100);
    CHECK(readings.next().look == Ids{100});
    CHECK(readings.next() == ListChanges{});
}

TEST_CASE("a guest of another node is left to it, and one that moves is told on both sides") {
    Readings readings;
    readings.put(100);
    readings.put(200, "other");
    (void)readings.next();
    readings.put(100, "other");
    readings.put(200);
    const auto changes = readings.next();
    CHECK(changes.left == Ids{100});
    CHECK(changes.arrived == Ids{200});
    CHECK(changes.look == Ids{200});
    CHECK(changes.others.empty());
    readings.put(100, "other");
    CHECK(readings.next().others == Ids{100});
}

TEST_CASE("a guest that is absent in three readings over three seconds is gone, once") {
    Readings readings;
    readings.put(100);
    readings.put(101);
    (void)readings.next();
    readings.remove(100);
    CHECK(readings.next().gone.empty());
    const auto since = readings.now;
    CHECK(readings.table.is_waiting());
    CHECK(readings.next(10ms).gone.empty());
    CHECK(readings.next(10ms).gone.empty());  // three readings, and no time
    CHECK(readings.next(3s).gone == std::vector<GoneGuest>{{100, since}});
    CHECK_FALSE(readings.table.is_waiting());
    CHECK(readings.gone().empty());
}

TEST_CASE("a guest that is back before it was called gone was never gone") {
    Readings readings;
    readings.put(100);
    readings.put(101);
    (void)readings.next();
    readings.remove(100);
    (void)readings.next();
    (void)readings.next();
    readings.put(100);
    CHECK(readings.next().look == Ids{100});
    CHECK(readings.gone().empty());
}

TEST_CASE("absence without a quorum proves nothing") {
    Readings readings;
    readings.put(100);
    readings.put(101);
    (void)readings.next();
    readings.remove(100);
    readings.is_quorate = false;
    CHECK(readings.gone(20).empty());
    readings.is_quorate = true;
    CHECK(readings.next().gone.empty());
    CHECK(readings.gone() == Ids{100});
}

TEST_CASE("a pmxcfs that comes back empty, and full later, ends nobody") {
    Readings readings;
    for (int vmid = 100; vmid < 110; ++vmid) readings.put(vmid);
    (void)readings.next();
    const auto full = readings.list;
    readings.list.clear();
    readings.stamp = {2000, 1};
    CHECK(readings.next().is_restarted);
    CHECK(readings.gone(60).empty());
    readings.list = full;
    ++readings.stamp.list;
    CHECK(readings.next().look.size() == 10);
    CHECK(readings.gone().empty());
}

TEST_CASE("when more than half of the guests go at once nobody is called gone from the list alone") {
    Readings readings;
    for (int vmid = 100; vmid < 106; ++vmid) readings.put(vmid);
    (void)readings.next();
    SECTION("four of six") {
        for (int vmid = 100; vmid < 104; ++vmid) readings.remove(vmid);
        CHECK(readings.gone(60).empty());
        readings.put(100);
        (void)readings.next();
        readings.remove(100);
        CHECK(readings.gone() == Ids{100});  // it was there again, and went alone, long after the others
    }
    SECTION("four of six, two by two") {
        for (int vmid = 100; vmid < 103; ++vmid) readings.remove(vmid);
        readings.remove(104);
        (void)readings.next(2s);
        readings.remove(103);
        CHECK(readings.gone(10).empty());
    }
    SECTION("three of six") {
        for (int vmid = 100; vmid < 103; ++vmid) readings.remove(vmid);
        CHECK(readings.gone() == Ids{100, 101, 102});
    }
}
