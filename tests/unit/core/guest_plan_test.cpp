#include "core/guest_plan.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

struct Given {
    Settings settings = one_pool();
    std::map<std::string, ProviderTraits> traits{{"dedibox", {true, true, ip("62.210.0.1"), 32}}};
    Guest guest;
    std::vector<Lease> leases;
    std::map<Address, ProviderAddress> provider;
    std::map<Mac, WornMac> worn;

    Given() {
        guest.id = {GuestKind::libvirt, "u-web"};
        guest.name = "web";
        guest.origin = "host/qemu";
        guest.nics = {nic(mac(100))};
    }

    [[nodiscard]] GuestPlan plan() const {
        return plan_guest({guest, settings, traits, leases, provider, worn, {noon, 1h, "boot-1"}});
    }

    /// Do what was planned, but for the claims.
    void apply(const GuestPlan& done) {
        for (const auto& row : done.put) {
            std::erase_if(leases, [&](const Lease& other) { return other.address == row.address; });
            leases.push_back(row);
        }
        for (const auto& row : done.end) {
            std::erase_if(leases, [&](const Lease& other) { return other.address == row.address; });
        }
        worn.clear();
        if (!done.edit) return;
        for (const auto& change : done.edit->macs) {
            for (auto& each : guest.nics) {
                if (each.index == change.nic) each.mac = change.mac;
            }
        }
        guest.records = done.edit->records;
    }

    void check_repeatable() {
        apply(plan());
        const auto again = plan();
        CHECK(again.put.empty());
        CHECK(again.end.empty());
        CHECK_FALSE(again.edit);
    }
};

Lease held(const std::string& address, int number, const std::string& slot = "0", int ordinal = 0) {
    auto row = lease(address, LeaseState::active, mac(number));
    row.slot = slot;
    row.ordinal = ordinal;
    return row;
}

}  // namespace

TEST_CASE("a NIC without a lease wants an address, and nothing is written yet") {
    Given given;
    const auto plan = given.plan();
    REQUIRE(plan.wants.size() == 1);
    CHECK(plan.wants[0].pool == "public");
    CHECK(plan.wants[0].slot == "0");
    CHECK(plan.wants[0].ordinal == 0);
    CHECK((plan.put.empty() && plan.end.empty() && !plan.edit));
}

TEST_CASE("a lease with a confirmed MAC is written into the guest, with its record") {
    Given given;
    given.leases = {held("203.0.113.1", 1)};
    const auto plan = given.plan();
    REQUIRE(plan.edit);
    CHECK(plan.edit->macs == std::vector<GuestEdit::NewMac>{{0, mac(1)}});
    REQUIRE(plan.edit->records.size() == 1);
    CHECK(plan.edit->records[0].hostname == "web.vm.example.com");
    CHECK(plan.edit->records[0].addresses[0].gateway == ip("62.210.0.1"));
    CHECK(plan.wants.empty());
    given.check_repeatable();
}

TEST_CASE("a MAC that is not confirmed is not written") {
    for (const auto state : {LeaseState::pending, LeaseState::away}) {
        Given given;
        given.leases = {held("203.0.113.1", 1)};
        given.leases[0].state = state;
        given.guest.records = {{mac(100), "public", "", {}}};
        CHECK_FALSE(given.plan().edit);
        CHECK(given.plan().wants.empty());
    }
}

TEST_CASE("a guest that is off or not understood is left alone, and keeps what it has") {
    Given given;
    given.leases = {held("203.0.113.1", 1), held("203.0.113.2", 2, "1")};
    SECTION("off") {
        given.guest.request = Request{};
        given.guest.request->is_enabled = false;
    }
    SECTION("not understood") {
        given.guest.problem = "addresses=\"many\"";
    }
    const auto plan = given.plan();
    CHECK(plan.is_empty());
    given.leases.clear();
    CHECK(given.plan().is_empty());
}

TEST_CASE("leases of NICs that are gone end, but not while the guest can use them") {
    Given given;
    given.guest.nics = {nic(mac(1))};
    given.leases = {held("203.0.113.1", 1), held("203.0.113.2", 2, "1")};
    CHECK(given.plan().end.size() == 1);
    CHECK(given.plan().end[0].address == ip("203.0.113.2"));
    SECTION("a running NIC wears it") {
        given.guest.is_running = true;
        given.guest.live_nics = {nic(mac(1)), nic(mac(2))};
        CHECK(given.plan().end.empty());
    }
    SECTION("a NIC on another bridge wears it") {
        given.guest.nics.push_back(nic(mac(2), "br9", 1));
        CHECK(given.plan().end.empty());
    }
    given.check_repeatable();
}

TEST_CASE("the lease of a NIC that only runs makes room for the one that took its slot") {
    Given given;
    given.guest.nics = {nic(mac(2))};
    given.guest.is_running = true;
    given.guest.live_nics = {nic(mac(1)), nic(mac(2))};
    given.leases = {held("203.0.113.1", 1), held("203.0.113.2", 2, "1")};
    const auto plan = given.plan();
    CHECK(plan.end.empty());
    given.apply(plan);
    std::vector<std::string> slots;
    for (const auto& row : given.leases) slots.push_back(row.slot);
    std::sort(slots.begin(), slots.end());
    CHECK(std::unique(slots.begin(), slots.end()) == slots.end());
    given.check_repeatable();
}

TEST_CASE("a request asks for several addresses per NIC, up to the pool's limit") {
    Given given;
    given.guest.nics = {nic(mac(1)), nic(mac(100), "br0", 1)};
    given.guest.request = Request{};
    given.guest.request->addresses = 3;
    given.leases = {held("203.0.113.1", 1)};
    const auto plan = given.plan();
    REQUIRE(plan.wants.size() == 5);
    CHECK(plan.wants[0].ordinal == 1);
    CHECK(plan.wants[1].ordinal == 2);
    CHECK(plan.wants[2].slot == "1");
    CHECK(plan.wants[2].ordinal == 0);
    SECTION("beyond the limit it is told, and nothing ends") {
        given.guest.request->addresses = 5;
        const auto beyond = given.plan();
        CHECK(beyond.wants.empty());
        CHECK(beyond.end.empty());
        CHECK(beyond.nics[0].problem.find("allows 4") != std::string::npos);
    }
    SECTION("fewer: the last ones end") {
        given.guest.nics.pop_back();
        given.leases.push_back(held("203.0.113.2", 1, "0", 1));
        given.guest.request->addresses = 1;
        const auto fewer = given.plan();
        REQUIRE(fewer.end.size() == 1);
        CHECK(fewer.end[0].address == ip("203.0.113.2"));
    }
}

TEST_CASE("where the first address of a NIC was lost, the next one takes its place") {
    Given given;
    given.guest.nics = {nic(mac(1))};
    given.guest.request = Request{};
    given.guest.request->addresses = 2;
    given.leases = {held("203.0.113.2", 1, "0", 1)};
    const auto plan = given.plan();
    REQUIRE(plan.put.size() == 1);
    CHECK(plan.put[0].ordinal == 0);
    REQUIRE(plan.wants.size() == 1);
    CHECK(plan.wants[0].ordinal == 1);
    given.check_repeatable();
}

TEST_CASE("a reservation becomes the guest's, once") {
    Given given;
    given.leases = {held("203.0.113.1", 1)};
    given.leases[0].guest.reset();
    given.leases[0].slot.clear();
    const auto plan = given.plan();
    REQUIRE(plan.put.size() == 1);
    CHECK(plan.put[0].guest == given.guest.id);
    CHECK(plan.wants.empty());
    given.check_repeatable();
    SECTION("and stays a reservation while every NIC has a lease") {
        Given other;
        other.guest.nics = {nic(mac(1))};
        other.leases = {held("203.0.113.1", 1), held("203.0.113.2", 2)};
        other.leases[1].guest.reset();
        CHECK(other.plan().end.empty());
        CHECK(other.plan().put.empty());
    }
    SECTION("but not for a bridge that its pool does not serve") {
        Given other;
        other.settings.pools["private"] = pool("private", "br1");
        other.guest.nics = {nic(mac(100), "br1")};
        other.leases = {held("203.0.113.1", 1)};
        other.leases[0].guest.reset();
        CHECK(other.plan().put.empty());
        CHECK(other.plan().end.empty());
        CHECK(other.plan().wants.size() == 1);
    }
    SECTION("nor for a guest that cannot wear its MAC") {
        Given other;
        other.guest.is_persistent = false;
        other.leases = {held("203.0.113.1", 1)};
        other.leases[0].guest.reset();
        CHECK(other.plan().put.empty());
        CHECK(other.plan().end.empty());
    }
}

TEST_CASE("a transient guest gets no address that it cannot wear") {
    Given given;
    given.guest.is_persistent = false;
    CHECK(given.plan().wants.empty());
    CHECK_FALSE(given.plan().nics.at(0).problem.empty());
    given.leases = {held("203.0.113.1", 100)};
    CHECK(given.plan().nics.at(0).problem.empty());
    CHECK_FALSE(given.plan().edit);
}

TEST_CASE("a rename changes the name of the lease, unless a person chose it") {
    Given given;
    given.leases = {held("203.0.113.1", 1)};
    given.guest.name = "mail";
    CHECK(given.plan().put.at(0).guest_name == "mail");
    CHECK(given.plan().put.at(0).hostname == "mail.vm.example.com");
    CHECK(given.plan().put.at(0).rdns == RdnsState::pending);
    given.leases[0].is_name_chosen = true;
    CHECK(given.plan().put.at(0).hostname == "web.vm.example.com");
    given.guest.request = Request{};
    given.guest.request->hostname = "asked.example.com";
    CHECK(given.plan().put.at(0).hostname == "asked.example.com");
    given.check_repeatable();
}

TEST_CASE("a pool that a guest does not fit into is told, and nothing is taken from it") {
    Given given;
    given.leases = {held("203.0.113.1", 100)};
    given.settings.pools["extra"] = pool("extra");
    SECTION("the request names another pool") {
        given.guest.request = Request{};
        given.guest.request->pool = "extra";
        CHECK(given.plan().nics.at(0).problem.find("but holds 203.0.113.1") != std::string::npos);
    }
    SECTION("the pool no longer serves the bridge") {
        given.settings.pools["public"].bridges = {"br7"};
        CHECK(given.plan().nics.at(0).problem.find("does not serve the bridge br0") != std::string::npos);
    }
    SECTION("the pool is no longer configured") {
        given.settings.pools.erase("public");
    }
    CHECK(given.plan().end.empty());
    CHECK(given.plan().wants.empty());
}

TEST_CASE("a guest that comes back running has its address moved here") {
    Given given;
    given.leases = {held("203.0.113.1", 100)};
    given.leases[0].state = LeaseState::away;
    given.leases[0].stay = Stay::left;
    CHECK(given.plan().put.empty());
    given.guest.is_running = true;
    SECTION("that is elsewhere") {
        given.provider[ip("203.0.113.1")] = seen("203.0.113.1", there, mac(100));
        CHECK(given.plan().put.at(0).stay == Stay::arriving);
        CHECK(given.plan().put.at(0).state == LeaseState::pending);
    }
    SECTION("that never left") {
        given.provider[ip("203.0.113.1")] = seen("203.0.113.1", here, mac(100));
        CHECK(given.plan().put.at(0).stay == Stay::here);
        CHECK(given.plan().put.at(0).state == LeaseState::active);
    }
    given.check_repeatable();
}

TEST_CASE("adoption needs one wearer, an address of this pool, and one that is here") {
    Given given;
    given.worn[mac(100)] = {"dedibox", {seen("203.0.113.1", here, mac(100))}, 1};
    SECTION("it fits") {
        const auto plan = given.plan();
        REQUIRE(plan.put.size() == 1);
        CHECK(plan.put[0].is_adopted);
        CHECK(plan.put[0].state == LeaseState::active);
        CHECK(plan.put[0].rdns == RdnsState::none);
        CHECK(plan.wants.empty());
        given.check_repeatable();
    }
    SECTION("two wear it") {
        given.worn[mac(100)].wearers = 2;
        CHECK(given.plan().put.empty());
    }
    SECTION("no pool of the bridge lists it") {
        given.settings.pools["public"].addresses = {Prefix::parse("198.51.100.0/24")};
        CHECK(given.plan().put.empty());
    }
    SECTION("it is elsewhere, and the guest does not run") {
        given.worn[mac(100)].addresses[0].server = there;
        CHECK(given.plan().put.empty());
        CHECK(given.plan().nics[0].problem.find("route it here (" + here + ") in the provider's console") !=
              std::string::npos);
    }
    SECTION("it is elsewhere, and the guest has arrived") {
        given.worn[mac(100)].addresses[0].server = there;
        given.guest.is_running = true;
        CHECK(given.plan().put.at(0).stay == Stay::arriving);
        CHECK(given.plan().put.at(0).state == LeaseState::pending);
    }
}

TEST_CASE("a running guest that wears something else is told what to do") {
    Given given;
    given.leases = {held("203.0.113.1", 1)};
    given.guest.is_running = true;
    given.guest.live_nics = {nic(mac(100))};
    CHECK(given.plan().remarks.size() == 1);
    given.guest.live_nics = {nic(mac(1))};
    CHECK(given.plan().remarks.empty());
}

TEST_CASE("the record of one NIC follows its MAC while another NIC's lease is away") {
    Given given;
    given.guest.nics = {nic(mac(1)), nic(mac(2), "br0", 1)};
    given.leases = {held("203.0.113.1", 1), held("203.0.113.2", 2, "1")};
    given.apply(given.plan());
    REQUIRE(given.guest.records.size() == 2);
    given.leases[0].mac = mac(9);
    given.leases[1].state = LeaseState::away;
    const auto away = given.guest.records[1];
    given.apply(given.plan());
    REQUIRE(given.guest.records.size() == 2);
    CHECK(given.guest.records[0].mac == mac(9));
    CHECK(given.guest.records[1] == away);
    given.check_repeatable();
}
