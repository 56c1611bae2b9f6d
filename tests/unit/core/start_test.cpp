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
    std::string operation;
    bool is_held_back = false;

    Given() {
        guest.id = {GuestKind::libvirt, "u-web"};
        guest.name = "web";
        guest.nics = {nic(mac(1))};
    }
    [[nodiscard]] StartVerdict ask() const {
        return may_start({guest, settings, leases, macs, waiting, operation, is_held_back});
    }
    void check(StartAnswer answer, const std::string& part) const {
        const auto verdict = ask();
        CAPTURE(verdict.text);
        CHECK(verdict.answer == answer);
        CHECK(verdict.text.find(part) != std::string::npos);
        CHECK(verdict.text.find('\n') == std::string::npos);
    }
};

}  // namespace

TEST_CASE("a guest starts with the MAC of an active lease of its own") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::active, mac(1))};
    CHECK(given.ask().answer == StartAnswer::good);
    CHECK(given.ask().text.empty());
    given.leases[0].state = LeaseState::pending;
    CHECK(given.ask().answer == StartAnswer::retry);
    for (const auto state : {LeaseState::releasing, LeaseState::cooling, LeaseState::warm}) {
        given.leases[0].state = state;
        CHECK(given.ask().answer == StartAnswer::late);
    }
}

TEST_CASE("a guest without a managed NIC starts, whatever else is wrong") {
    Given given;
    given.guest.nics = {nic(mac(1), "br9")};
    given.waiting = "no address";
    CHECK(given.ask().answer == StartAnswer::good);
    given.guest.nics.clear();
    CHECK(given.ask().answer == StartAnswer::good);
}

TEST_CASE("every managed NIC has to be good") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::active, mac(1))};
    given.guest.nics.push_back(nic(mac(2), "br0", 1));
    given.check(StartAnswer::late, "does not know its MAC " + mac(2).text());
    given.guest.nics[1].mac.reset();
    given.check(StartAnswer::late, "has no MAC yet");
}

TEST_CASE("of several wrong NICs the worst decides, and all their bridges must be guarded") {
    Given given;
    given.settings.pools["private"] = pool("private", "br1");
    auto away = lease("203.0.113.1", LeaseState::away, mac(3));
    given.leases = {away};
    given.guest.nics = {nic(mac(1)), nic(mac(2), "br1", 1), nic(mac(4), "br1", 2)};
    given.check(StartAnswer::late, "does not know its MAC " + mac(1).text());
    CHECK(given.ask().bridges == std::vector<std::string>{"br0", "br1"});
    given.guest.nics.push_back(nic(mac(3), "br1", 3));
    given.check(StartAnswer::hopeless, "on another server");
}

TEST_CASE("a guest whose address is away is refused, naming the command; an incoming migration is not") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::away, mac(1))};
    given.check(StartAnswer::hopeless, "203.0.113.1 is on another server; route it to this one (" + here + ")");
    given.operation = "migrate";
    CHECK(given.ask().answer == StartAnswer::good);
}

TEST_CASE("a MAC of another guest's lease is refused") {
    Given given;
    auto other = lease("203.0.113.1", LeaseState::active, mac(1));
    other.guest_name = "mail";
    given.macs[mac(1)] = {{other}, {}, here};
    given.check(StartAnswer::retry, "belongs to the guest mail (203.0.113.1)");
    // The guard does not stop this MAC: it may only start where the NIC can be changed for certain.
    given.guest.nics[0].can_unplug = true;
    given.check(StartAnswer::late, "belongs to the guest mail (203.0.113.1)");
    given.settings.on_wrong_mac = OnWrongMac::hold;
    given.check(StartAnswer::retry, "belongs to the guest mail (203.0.113.1)");
    given.settings.on_wrong_mac = OnWrongMac::swap;
    given.operation = "restore";
    given.check(StartAnswer::retry, "belongs to the guest mail (203.0.113.1)");
    given.operation.clear();
    given.guest.request = Request{};
    given.guest.request->is_enabled = false;
    given.check(StartAnswer::hopeless, "belongs to the guest mail");
}

TEST_CASE("a registered MAC that no lease knows starts where its address is routed") {
    Given given;
    given.macs[mac(1)] = {{}, seen("203.0.113.1", here, mac(1)), here};
    CHECK(given.ask().answer == StartAnswer::good);
    given.macs[mac(1)].provider->server = there;
    given.check(StartAnswer::hopeless, "203.0.113.1, which is not routed to this server; route it here (" + here + ")");
    given.operation = "migrate";
    CHECK(given.ask().answer == StartAnswer::good);
    given.operation.clear();
    given.macs[mac(1)].provider->server.reset();
    CHECK(given.ask().answer == StartAnswer::hopeless);
    // About to be deleted: no longer good.
    given.macs[mac(1)] = {
        {lease("203.0.113.1", LeaseState::releasing, mac(1))}, seen("203.0.113.1", here, mac(1)), here};
    CHECK(given.ask().answer != StartAnswer::good);
}

TEST_CASE("an unknown MAC is refused with what helps") {
    Given given;
    given.check(StartAnswer::late, "does not know its MAC");
    given.waiting = "the pool \"public\" has no free address";
    given.check(StartAnswer::late, "no free address");
    given.is_held_back = true;
    given.check(StartAnswer::hopeless, "failover-ip reconcile");
    given.guest.request = Request{};
    given.guest.request->is_enabled = false;
    given.check(StartAnswer::guarded, "enabled=\"no\"");
    given.operation = "migrate";
    given.check(StartAnswer::hopeless, "incoming migration");
    given.operation = "restore";
    given.check(StartAnswer::hopeless, "virsh managedsave-remove 'web'");
}

TEST_CASE("what libvirt lets keep its MAC only may run behind the guard, where the configuration says so") {
    Given given;
    given.settings.on_wrong_mac = OnWrongMac::hold;
    for (const auto* operation : {"migrate", "restore"}) {
        given.operation = operation;
        given.check(StartAnswer::guarded, "keeps its MAC");
    }
    given.operation.clear();
    given.check(StartAnswer::late, "does not know its MAC");
}
