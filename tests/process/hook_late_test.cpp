// Starts with a MAC that nobody knows: virsh create, virt-install, define and create in one breath.
#include "late_host.hpp"
#include "support/wait_until.hpp"

#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

using Clock = std::chrono::steady_clock;

struct Warm : LateHost {
    Warm() { provide({{"203.0.113.1", "52:54:00:00:00:01"}, {"203.0.113.2", "52:54:00:00:00:02"}}); }
};

std::string numbered_guest(int number) {
    const auto two = std::to_string(10 + number);
    auto xml = domain_with(bridge_nic("52:54:00:00:99:" + two), "kvm", "web" + two);
    const std::string uuid{hook_uuid};
    return xml.replace(xml.find(uuid), uuid.size(), "4dea22b3-1d52-48f3-9516-782e98a230" + two);
}

/// Does what the daemon's provider thread would: the MAC of a pending lease is there, once somebody asks for work.
class MacMaker {
public:
    MacMaker(const LateHost& host, const CliDaemon& daemon)
        : host_{host}, daemon_{daemon}, thread_{[this] { make(); }} {}
    ~MacMaker() { thread_.join(); }
    MacMaker(const MacMaker&) = delete;
    MacMaker& operator=(const MacMaker&) = delete;

private:
    void make() const {
        const bool is_asked =
            wait_until([&] { return !daemon_.requests().empty() && daemon_.requests().back() == "work"; }, 10s);
        if (!is_asked) return;
        auto lease = host_.find("203.0.113.1");
        if (!lease) return;
        lease->state = LeaseState::active;
        lease->mac = Mac::parse("52:54:00:00:00:01");
        host_.put(*lease);
    }
    const LateHost& host_;
    const CliDaemon& daemon_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("an unknown MAC is refused while the guard is down, and told how to raise it", "[hook][late]") {
    const Warm host;
    const auto daemon = host.daemon();
    check_refuses(start_with(host, unknown_mac), "failover-ip guard up");
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
    CHECK(host.notes(NoteKind::claimed).empty());
}

TEST_CASE("an unknown MAC is refused behind the guard while the daemon is silent or not there", "[hook][late]") {
    const Warm host;
    host.guard_up();
    check_refuses(start_with(host, unknown_mac), "systemctl start failover-ip-libvirt");
    {
        const auto daemon = host.daemon(CliDaemon::Manner::stays_silent);
        const auto begin = Clock::now();
        check_refuses(start_with(host, unknown_mac), "systemctl start failover-ip-libvirt");
        CHECK(Clock::now() - begin < 3s);
    }
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
    CHECK(host.notes(NoteKind::claimed).empty());
}

TEST_CASE("an unknown MAC passes behind the guard, with the daemon there and an address claimed", "[hook][late]") {
    const Warm host;
    host.guard_up();
    const auto daemon = host.daemon();
    check_passes(start_with(host, unknown_mac));
    CHECK(daemon.requests() == std::vector<std::string>{"starting"});

    const auto lease = host.find("203.0.113.1");
    REQUIRE(lease);
    CHECK(lease->state == LeaseState::active);
    CHECK(lease->guest == GuestId{GuestKind::libvirt, hook_uuid});
    CHECK(lease->guest_name == "web1");
    CHECK(lease->mac == Mac::parse("52:54:00:00:00:01"));
    CHECK(host.find("203.0.113.2")->state == LeaseState::warm);
    const auto notes = host.notes(NoteKind::claimed);
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().guest == GuestId{GuestKind::libvirt, hook_uuid});
    CHECK(notes.front().name == "web1");

    SECTION("a replayed hook claims nothing more") {
        check_passes(start_with(host, unknown_mac));
        CHECK(host.find("203.0.113.2")->state == LeaseState::warm);
        CHECK(host.notes(NoteKind::claimed).size() == 1);
    }
    SECTION("the same name with a new UUID, as tools try again, takes the claim over") {
        auto xml = domain_with(bridge_nic(unknown_mac));
        const std::string uuid{hook_uuid};
        const std::string other{"4dea22b3-1d52-48f3-9516-000000000001"};
        xml.replace(xml.find(uuid), uuid.size(), other);
        check_passes(call_hook(host, "prepare", xml));
        CHECK(host.find("203.0.113.1")->guest == GuestId{GuestKind::libvirt, other});
        CHECK(host.find("203.0.113.2")->state == LeaseState::warm);
    }
}

TEST_CASE("a NIC of type network claims at start, when its bridge is known", "[hook][late]") {
    const Warm host;
    host.guard_up();
    const auto daemon = host.daemon();
    const auto nic = "<interface type='bridge'><mac address='" + std::string{unknown_mac} +
                     "'/><source network='public' bridge='br0'/></interface>";
    check_passes(call_hook(host, "start", domain_with(nic)));
    CHECK(host.find("203.0.113.1")->state == LeaseState::active);
}

TEST_CASE("of 20 starts at once on 2 free addresses 2 pass, and 18 hear of the pool", "[hook][late]") {
    const Warm host;
    host.guard_up();
    const auto daemon = host.daemon();
    std::vector<Process> hooks;
    for (int i = 0; i < 20; ++i) {
        const auto name = "web" + std::to_string(10 + i);
        hooks.push_back(host.start({"failover-ip-hook", name, "prepare", "begin", "-"}, numbered_guest(i)));
    }
    int passed = 0;
    int refused = 0;
    for (auto& hook : hooks) {
        const auto result = hook.wait(30s);
        REQUIRE(result);
        CHECK(result->out.empty());
        if (result->exit_code == 0) {
            ++passed;
            CHECK(result->err.empty());
        } else {
            ++refused;
            CHECK_THAT(result->err, Contains("the pool \"public\" has no free address"));
        }
    }
    CHECK(passed == 2);
    CHECK(refused == 18);
    CHECK(host.notes(NoteKind::claimed).size() == 2);
    CHECK(host.notes(NoteKind::waiting).empty());
    CHECK(host.find("203.0.113.1")->guest != host.find("203.0.113.2")->guest);
}

TEST_CASE("a start waits for a MAC that the provider still has to make", "[hook][late]") {
    const LateHost host;
    host.provide({{"203.0.113.1", ""}});
    host.guard_up();
    const auto daemon = host.daemon();
    const MacMaker maker{host, daemon};
    check_passes(start_with(host, unknown_mac));
    CHECK(daemon.requests() == std::vector<std::string>{"starting", "work"});
    CHECK(host.find("203.0.113.1")->guest_name == "web1");
}

TEST_CASE("a start does not wait for the provider beyond the deadline, and keeps its claim", "[hook][late]") {
    const LateHost host;
    host.shorten_deadline();
    host.provide({{"203.0.113.1", ""}});
    host.guard_up();
    const auto daemon = host.daemon();
    const auto begin = Clock::now();
    check_refuses(start_with(host, unknown_mac), "its virtual MAC is being made at the provider: try again");
    CHECK(Clock::now() - begin >= 900ms);
    CHECK(Clock::now() - begin < 2s);
    CHECK(host.find("203.0.113.1")->state == LeaseState::pending);
    CHECK(host.notes(NoteKind::claimed).size() == 1);
}

TEST_CASE("a NIC without a MAC is given an address too", "[hook][late]") {
    const Warm host;
    host.guard_up();
    const auto daemon = host.daemon();
    const auto nic = "<interface type='bridge'><source bridge='br0'/></interface>";
    check_passes(call_hook(host, "prepare", domain_with(nic)));
    CHECK(host.find("203.0.113.1")->state == LeaseState::active);
}

TEST_CASE("a guest asks for as many addresses as it has NICs: all of them or none", "[hook][late]") {
    const Warm host;
    host.guard_up();
    const auto daemon = host.daemon();
    const auto two = bridge_nic(unknown_mac) + bridge_nic("52:54:00:00:00:98");
    check_refuses(call_hook(host, "prepare", domain_with(two + bridge_nic("52:54:00:00:00:97"))), "no free address");
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
    CHECK(host.notes(NoteKind::claimed).empty());
    check_passes(call_hook(host, "prepare", domain_with(two)));
    CHECK(host.find("203.0.113.1")->slot != host.find("203.0.113.2")->slot);
}
