// Proxmox numbers its NICs, and moves guests between the nodes of a cluster while they are stopped.
#include "core/guest_plan.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

Nic net(int number, int mac_number) {
    auto result = nic(mac(mac_number));
    result.index = static_cast<std::size_t>(number);
    return result;
}

Lease held(const std::string& address, int number, const std::string& slot) {
    auto row = lease(address, LeaseState::active, mac(number));
    row.slot = slot;
    row.guest = GuestId{GuestKind::proxmox, "100/u"};
    return row;
}

struct Given {
    Settings settings = one_pool();
    std::map<std::string, ProviderTraits> traits{{"dedibox", {true, true, ip("62.210.0.1"), 32}}};
    Guest guest;
    std::vector<Lease> leases{};
    std::map<Mac, WornMac> worn{};

    Given() {
        guest.id = {GuestKind::proxmox, "100/u"};
        guest.name = "web";
        guest.origin = "pve/proxmox";
        guest.nics = {net(0, 100)};
    }
    [[nodiscard]] GuestPlan plan() const {
        return plan_guest({guest, settings, traits, leases, {}, worn, {noon, 1h, "boot-1"}});
    }
    void wear_of_another_server(int number) {
        guest.nics = {net(0, number)};
        WornMac found{"dedibox", {}, 1};
        found.addresses.push_back({});
        found.addresses.front().address = ip("203.0.113.1");
        found.addresses.front().server = "192.0.2.77";
        found.addresses.front().mac = mac(number);
        worn[mac(number)] = found;
    }
};

}  // namespace

TEST_CASE("a Proxmox NIC's slot is its number, wherever it stands among the managed ones") {
    Given given;
    given.guest.nics = {net(1, 101), net(7, 107)};
    const auto plan = given.plan();
    REQUIRE(plan.wants.size() == 2);
    CHECK(plan.wants[0].slot == "net1");
    CHECK(plan.wants[1].slot == "net7");
}

TEST_CASE("a Proxmox NIC whose MAC was rolled back keeps its own lease, also when another NIC has gone") {
    Given given;
    given.leases = {held("203.0.113.1", 1, "net0"), held("203.0.113.2", 2, "net1")};
    given.guest.nics = {net(1, 101)};
    const auto plan = given.plan();
    REQUIRE(plan.end.size() == 1);
    CHECK(plan.end[0].address == ip("203.0.113.1"));
    REQUIRE(plan.edit);
    CHECK(plan.edit->macs == std::vector<GuestEdit::NewMac>{{1, mac(2)}});
}

TEST_CASE("a Proxmox guest with the right MACs is not written for its records: its config has no place for them") {
    Given given;
    given.leases = {held("203.0.113.1", 1, "net0")};
    given.leases[0].bridge = given.guest.nics[0].bridge;
    given.guest.nics = {net(0, 1)};
    CHECK_FALSE(given.plan().edit);
}

TEST_CASE("a lease whose MAC an unmanaged NIC wears is kept under that NIC's number") {
    Given given;
    given.leases = {held("203.0.113.1", 1, "net0"), held("203.0.113.2", 2, "net1")};
    auto elsewhere = net(3, 1);
    elsewhere.bridge = "vmbr9";
    given.guest.nics = {net(0, 2), elsewhere};
    const auto plan = given.plan();
    CHECK(plan.end.empty());
    const auto slot_of = [&](const char* address) {
        const auto found = std::ranges::find(plan.put, ip(address), &Lease::address);
        return found == plan.put.end() ? std::string{} : found->slot;
    };
    CHECK(slot_of("203.0.113.1") == "net3");
    CHECK(slot_of("203.0.113.2") == "net0");
}

TEST_CASE("the address of a stopped guest follows it only when it is known to have come") {
    Given given;
    given.wear_of_another_server(5);
    SECTION("a restored backup may have its original elsewhere") {
        const auto plan = given.plan();
        CHECK(plan.put.empty());
        CHECK(plan.nics.at(0).problem.find("not routed to this server") != std::string::npos);
    }
    SECTION("it came, or is about to start here") {
        given.guest.is_arriving = true;
        const auto plan = given.plan();
        REQUIRE(plan.put.size() == 1);
        CHECK(plan.put[0].stay == Stay::arriving);
        CHECK(plan.put[0].slot == "net0");
    }
}

TEST_CASE("a Proxmox guest that left and is back has its lease back, though it does not run") {
    Given given;
    given.leases = {held("203.0.113.1", 1, "net0")};
    given.leases[0].state = LeaseState::away;
    given.leases[0].stay = Stay::left;
    given.guest.nics = {net(0, 1)};
    const auto plan = given.plan();
    REQUIRE(plan.put.size() == 1);
    CHECK(plan.put[0].stay == Stay::arriving);
}

TEST_CASE("a running Proxmox guest's wrong NIC is plugged in anew by the change of its config, or waits for a start") {
    Given given;
    given.leases = {held("203.0.113.1", 1, "net0")};
    given.guest.is_running = true;
    given.guest.run = Run{1h, false, false, false};
    given.guest.live_nics = {net(0, 100)};
    SECTION("the config is wrong too") {
        const auto plan = given.plan();
        REQUIRE(plan.wrong.size() == 1);
        CHECK(plan.wrong[0].remedy == Remedy::replug);
        CHECK(plan.remarks.empty());
    }
    SECTION("the right MAC is pending") {
        given.guest.nics = {net(0, 1)};
        const auto plan = given.plan();
        REQUIRE(plan.wrong.size() == 1);
        CHECK(plan.wrong[0].remedy == Remedy::hold);
        REQUIRE(plan.remarks.size() == 1);
        CHECK(plan.remarks[0].find("stop it and start it again") != std::string::npos);
    }
}
