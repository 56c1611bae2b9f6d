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
    for (const auto state : {LeaseState::pending, LeaseState::releasing, LeaseState::cooling, LeaseState::warm}) {
        given.leases[0].state = state;
        CHECK(given.ask().answer == StartAnswer::retry);
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
    given.check(StartAnswer::retry, "does not know its MAC " + mac(2).text());
    given.guest.nics[1].mac.reset();
    given.check(StartAnswer::retry, "has no MAC yet");
}

TEST_CASE("a guest whose address is away is refused, naming the command; an incoming migration is not") {
    Given given;
    given.leases = {lease("203.0.113.1", LeaseState::away, mac(1))};
    given.check(StartAnswer::hopeless, "failover-ip move 203.0.113.1 --to " + here);
    given.operation = "migrate";
    CHECK(given.ask().answer == StartAnswer::good);
}

TEST_CASE("a MAC of another guest's lease is refused") {
    Given given;
    auto other = lease("203.0.113.1", LeaseState::active, mac(1));
    other.guest_name = "mail";
    given.macs[mac(1)] = {{other}, {}, here};
    given.check(StartAnswer::retry, "belongs to the guest mail (203.0.113.1)");
    given.guest.request = Request{};
    given.guest.request->is_enabled = false;
    given.check(StartAnswer::hopeless, "belongs to the guest mail");
}

TEST_CASE("a registered MAC that no lease knows starts where its address is routed") {
    Given given;
    given.macs[mac(1)] = {{}, seen("203.0.113.1", here, mac(1)), here};
    CHECK(given.ask().answer == StartAnswer::good);
    given.macs[mac(1)].provider->server = there;
    given.check(StartAnswer::hopeless, "failover-ip move 203.0.113.1 --to " + here);
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
    given.check(StartAnswer::retry, "does not know its MAC");
    given.is_held_back = true;
    given.check(StartAnswer::hopeless, "failover-ip reconcile");
    given.waiting = "the pool \"public\" has no free address";
    given.check(StartAnswer::hopeless, "no free address");
    given.guest.request = Request{};
    given.guest.request->is_enabled = false;
    given.check(StartAnswer::hopeless, "enabled=\"no\"");
    given.operation = "migrate";
    given.check(StartAnswer::hopeless, "incoming migration");
    given.operation = "restore";
    given.check(StartAnswer::hopeless, "virsh managedsave-remove 'web'");
}
