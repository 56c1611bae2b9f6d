// The answer to a pre-start of Proxmox.
#include "core/start.hpp"
#include "facts.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

struct Given {
    Settings settings = one_pool();
    Guest guest;
    std::vector<Lease> leases;
    std::map<Mac, MacFacts> macs;
    std::string waiting;
    bool is_held_back = false;
    StartManner manner;

    Given() {
        guest.id = {GuestKind::proxmox, "100/4dea22b3-1d52-48f3-9516-782e98a23fa0"};
        guest.name = "web";
        guest.nics = {nic(mac(1))};
    }
    [[nodiscard]] StartVerdict ask() const {
        return may_start({guest, settings, leases, macs, waiting, "", is_held_back, manner});
    }
    void check(StartAnswer answer, const std::string& part) const {
        const auto verdict = ask();
        CAPTURE(verdict.text);
        CHECK(verdict.answer == answer);
        CHECK(verdict.text.find(part) != std::string::npos);
        CHECK(verdict.text.find("virsh") == std::string::npos);
        CHECK(verdict.text.find('\n') == std::string::npos);
        CHECK(verdict.bridges.empty() == (answer == StartAnswer::good));
    }
    /// In each of the two manners in which nobody may write its config.
    void check_bound(StartAnswer answer, const std::string& part) {
        manner = {"backup", false};
        check(answer, part);
        CHECK(ask().text.find("its lock (backup)") != std::string::npos);
        manner = {"", true};
        check(answer, part);
        CHECK(ask().text.find("incoming migration") != std::string::npos);
    }
};

}  // namespace

TEST_CASE("a Proxmox guest starts with the MAC of an active lease of its own, in whatever manner") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::active, mac(1))};
    CHECK(given.ask().answer == StartAnswer::good);
    given.manner = {"suspended", false};
    CHECK(given.ask().answer == StartAnswer::good);
    given.manner = {"", true};
    CHECK(given.ask().answer == StartAnswer::good);
}

TEST_CASE("a Proxmox guest whose address is elsewhere has it moved, but not while it still runs on the other node") {
    Given given;
    SECTION("it has a lease that is away") {
        given.leases = {lease("203.0.113.1", LeaseState::away, mac(1))};
    }
    SECTION("it has a lease that is on its way") {
        given.leases = {lease("203.0.113.1", LeaseState::pending, mac(1))};
        given.leases[0].stay = Stay::arriving;
    }
    SECTION("its MAC is registered for an address routed elsewhere") {
        given.macs[mac(1)] = {{}, seen("203.0.113.1", there, mac(1)), here};
    }
    SECTION("its MAC is registered for an address routed nowhere") {
        given.macs[mac(1)] = {{}, seen("203.0.113.1", std::nullopt, mac(1)), here};
    }
    given.check(StartAnswer::moving, "203.0.113.1 is not routed to this server");
    given.manner = {"backup", false};
    given.check(StartAnswer::moving, "203.0.113.1");
    given.manner = {"", true};
    given.check(StartAnswer::guarded, "203.0.113.1 is not routed to this server");
}

TEST_CASE("a registered MAC that no lease knows lets a Proxmox guest start where its address is routed") {
    Given given;
    given.macs[mac(1)] = {{}, seen("203.0.113.1", here, mac(1)), here};
    CHECK(given.ask().answer == StartAnswer::good);
}

TEST_CASE("a wrong MAC in a Proxmox config can be put right, unless it is locked or migrates") {
    Given given;
    SECTION("unknown") {
        given.check(StartAnswer::late, "does not know the MAC " + mac(1).text() + " of its net0 on br0");
        given.check_bound(StartAnswer::guarded, "does not know the MAC");
    }
    SECTION("none") {
        given.guest.nics[0].mac.reset();
        given.check(StartAnswer::late, "its net0 on br0 has no MAC");
        given.check_bound(StartAnswer::guarded, "has no MAC");
    }
    SECTION("not confirmed") {
        given.leases = {lease("203.0.113.1", LeaseState::pending, mac(1))};
        given.check(StartAnswer::late, "not confirmed");
        given.check_bound(StartAnswer::guarded, "not confirmed");
    }
    SECTION("about to be deleted at the provider") {
        given.macs[mac(1)] = {
            {lease("203.0.113.1", LeaseState::releasing, mac(1))}, seen("203.0.113.1", here, mac(1)), here};
        given.check(StartAnswer::late, "does not know");
        given.check_bound(StartAnswer::guarded, "does not know");
    }
    SECTION("while its pool is empty") {
        given.waiting = "the pool \"public\" has no free address";
        given.check(StartAnswer::late, "no free address");
        given.check_bound(StartAnswer::guarded, "does not know");
    }
    SECTION("of a guest that was here before us") {
        given.is_held_back = true;
        given.check(StartAnswer::hopeless, "failover-ip reconcile");
        given.check_bound(StartAnswer::guarded, "does not know");
    }
}

TEST_CASE("another guest's MAC does not pass behind the guard, which lets it out") {
    Given given;
    auto other = lease("203.0.113.1", LeaseState::active, mac(1));
    other.guest_name = "mail";
    given.macs[mac(1)] = {{other}, {}, here};
    given.check(StartAnswer::late, "belongs to the guest mail (203.0.113.1)");
    given.check_bound(StartAnswer::hopeless, "belongs to the guest mail");
}

TEST_CASE("of several wrong NICs of a Proxmox guest the worst decides") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::away, mac(1))};
    given.guest.nics.push_back(nic(mac(2), "br0", 1));
    given.check(StartAnswer::late, "net1");
    given.manner = {"backup", false};
    given.check(StartAnswer::guarded, "net1");
}
