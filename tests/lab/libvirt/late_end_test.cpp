// Late starts that may not go on, or that go on with the MAC that they have: refused with the command that helps, or
// behind the guard. And guests that move.
#include "lab/libvirt/late_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <thread>

using namespace fip;
using namespace fip::test;

namespace {

bool says(const Result& result, const std::string& text) {
    UNSCOPED_INFO(result.err);
    return result.exit_code != 0 && result.err.find(text) != std::string::npos;
}

/// Defined and started in one breath: the start comes before anybody can put the MAC right.
Result define_and_start(GuardLab& lab, const GuestXml& guest) {
    lab.lab.host.write("/run/guest.xml", domain_xml(guest));
    return lab.lab.host.virsh({"define /run/guest.xml; start " + guest.name});
}

bool has_stopped(GuardLab& lab, const std::string& guest, const std::string& mac) {
    for (const auto& row : lab.stopped()) {
        if (row.name == guest && row.mac == mac && row.frames > 0) return true;
    }
    return false;
}

/// It is up, speaks, and nobody hears it.
void check_held(GuardLab& lab) {
    AWAIT(lab, lab.lab.log().find("guest-held: web1") != std::string::npos);
    AWAIT(lab, lab.lab.host.state("web1") == "running");
    CHECK(lab.lab.live_macs("web1") == std::vector<std::string>{late_mac});
    TerminalGuest running{lab.lab.host, "web1"};
    static_cast<void>(running.run(std::string{"ip route add "} + Datacenter::gateway + " dev eth0; ping -c 2 -W 1 " +
                                  Datacenter::gateway));
    AWAIT(lab, has_stopped(lab, "web1", late_mac));
    lab.require_clean_wire();
}

/// A machine without failover-ip, from where and to where guests migrate.
struct Neighbour {
    explicit Neighbour(LabHost& host) { link(host, machine); }
    LabHost machine{named("hv2")};

private:
    static LabHost::Options named(const std::string& name) {
        LabHost::Options options;
        options.hostname = name;
        return options;
    }
};

std::vector<std::string> migrate(const LabHost& from, const LabHost& to, const std::string& address,
                                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{"virsh",  "-c",     from.uri(),     "migrate",      "web1",
                                  to.uri(), "--live", "--persistent", "--migrateuri", "tcp://" + address};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

/// A migration that has begun and would take a minute is cancelled.
void cancel_half_way(LabHost& from, LabHost& to, const std::string& address) {
    Process moving{Command{migrate(from, to, address, {"--bandwidth", "1"})}};
    REQUIRE(wait_until(
        [&] {
            const auto job = from.virsh({"domjobinfo", "web1"});
            return job.out.find("Outgoing migration") != std::string::npos &&
                   job.out.find("Memory remaining") != std::string::npos && to.state("web1") == "paused";
        },
        30s));
    REQUIRE(from.virsh({"domjobabort", "web1"}).exit_code == 0);
    const auto ended = moving.wait(30s);
    REQUIRE(ended);
    INFO(ended->err);
    REQUIRE(ended->exit_code != 0);
    REQUIRE(wait_until([&] { return to.state("web1") != "paused"; }, 30s));
}

GuardLab::Options hasty() {
    auto options = installed();
    options.daemon.interval = "1s";
    options.daemon.grace = "1s";
    return options;
}

/// Long enough for two comparisons that are a grace apart.
void compare_twice(GuardLab& lab) {
    for (int i = 0; i < 2; ++i) {
        REQUIRE(lab.lab.once({}).exit_code == 0);
        std::this_thread::sleep_for(1100ms);  // the grace of the program under test is real time
    }
    REQUIRE(lab.lab.once({}).exit_code == 0);
}

}  // namespace

TEST_CASE("a late start is refused while nobody could put it right, and leaves nothing behind", "[lab]") {
    GuardLab lab{installed()};
    lab.start_daemon();

    SECTION("the daemon is silent") {
        lab.lab.daemon().signal(SIGSTOP);
        CHECK(says(try_create(lab, late_guest()), "systemctl start failover-ip-libvirt"));
        lab.lab.daemon().signal(SIGCONT);
    }
    SECTION("the daemon is not there") {
        lab.lab.kill_daemon();
        CHECK(says(try_create(lab, late_guest()), "systemctl start failover-ip-libvirt"));
        lab.start_daemon();
    }
    SECTION("the guard is down") {
        REQUIRE(lab.cli({"guard", "down"}).exit_code == 0);
        CHECK(says(try_create(lab, late_guest()), "failover-ip guard up"));
        REQUIRE(lab.cli({"guard", "up"}).exit_code == 0);
    }
    CHECK(lab.lab.host.guests().empty());
    check_nobody_claims(lab);
    REQUIRE(try_create(lab, late_guest()).exit_code == 0);
    check_late_boot(lab, "web1");
}

TEST_CASE("with on_wrong_mac = hold a late guest runs behind the guard until it is stopped", "[lab]") {
    auto options = installed();
    options.daemon.on_wrong_mac = "hold";
    GuardLab lab{options};
    lab.start_daemon();
    const auto started = define_and_start(lab, late_guest());
    INFO(started.err);
    REQUIRE(started.exit_code == 0);
    REQUIRE(lab.lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    check_held(lab);
    AWAIT(lab, lab.lab.is_served("web1"));
    CHECK(lab.cli({"guest", "explain", "web1"}).out.find(late_mac) != std::string::npos);

    SECTION("stopped and started it is right") {
        lab.lab.host.destroy("web1");
        lab.lab.host.start("web1");
        CHECK(lab.lab.is_right("web1"));
    }
    SECTION("an image of it goes on behind the guard, or is refused where nobody is held") {
        REQUIRE(lab.lab.host.virsh({"managedsave", "web1"}).exit_code == 0);
        lab.lab.host.start("web1");
        check_held(lab);
        REQUIRE(lab.lab.host.virsh({"managedsave", "web1"}).exit_code == 0);
        lab.lab.options.on_wrong_mac = "swap";
        lab.configure("enforce");
        lab.lab.reload();
        AWAIT(lab, lab.lab.log().find("reloaded") != std::string::npos);
        CHECK(says(lab.lab.host.virsh({"start", "web1"}), "virsh managedsave-remove 'web1'"));
        CHECK(lab.lab.host.state("web1") == "shut off");
        CHECK(lab.lab.is_served("web1"));
        REQUIRE(lab.lab.host.virsh({"managedsave-remove", "web1"}).exit_code == 0);
        lab.lab.host.start("web1");
        CHECK(lab.lab.is_right("web1"));
    }
    lab.require_clean_wire();
}

TEST_CASE("with on_wrong_mac = restart a late guest that cannot be swapped is started anew", "[lab]") {
    auto options = installed();
    options.daemon.on_wrong_mac = "restart";
    GuardLab lab{options};
    lab.start_daemon();
    auto guest = late_guest();
    guest.has_acpi = false;  // a pc without it has no hot-plug
    REQUIRE(define_and_start(lab, guest).exit_code == 0);
    AWAIT(lab, lab.lab.log().find("guest-restarted: web1") != std::string::npos);
    check_late_boot(lab, "web1");
}

TEST_CASE("a guest that starts by itself while the daemon is starting is refused or right, and explain tells",
          "[lab]") {
    GuardLab lab{installed()};
    lab.start_daemon();
    lab.lab.host.define(domain_xml(late_guest()));
    AWAIT(lab, lab.lab.is_served("web1"));
    REQUIRE(lab.lab.stop_daemon().exit_code == 0);
    const auto mac = lab.mac_of("web1").text();
    lab.lab.set_stored_mac("web1", mac, late_mac, "autostart web1");
    lab.lab.host.stop_libvirtd();
    std::filesystem::remove(lab.lab.host.path("/run/libvirt/qemu/autostarted"));

    SECTION("there is no daemon yet") {
        lab.lab.host.start_libvirtd();
        AWAIT(lab, lab.lab.host.state("web1") == "shut off");
        const auto explained = lab.cli({"guest", "explain", "web1"});
        INFO(explained.out << explained.err);
        CHECK(explained.out.find(std::string{"wears "} + late_mac + "  should be " + mac) != std::string::npos);
        lab.start_daemon();
        AWAIT(lab, lab.lab.is_served("web1"));
        lab.lab.host.start("web1");
    }
    SECTION("both start at once") {
        auto daemon = lab.lab.host.spawn({FIP_BIN "/failover-ip-libvirt"});
        lab.lab.host.start_libvirtd();
        AWAIT(lab, daemon.err().find("libvirt-connected") != std::string::npos && lab.lab.is_served("web1"));
        AWAIT(lab, lab.lab.is_right("web1") || lab.lab.host.state("web1") == "shut off");
        const bool is_refused = lab.lab.host.state("web1") == "shut off";
        std::cout << "autostarted beside the daemon's start: " << (is_refused ? "refused" : "right") << '\n';
        if (is_refused) lab.lab.host.start("web1");
        check_late_boot(lab, "web1");
    }
    AWAIT(lab, lab.lab.is_right("web1"));
    lab.require_clean_wire();
}

TEST_CASE("a guest that comes by migration with a MAC that nobody knows", "[lab]") {
    auto options = installed();
    const auto mode = GENERATE(as<std::string>{}, "swap", "hold");
    CAPTURE(mode);
    options.daemon.on_wrong_mac = mode;
    GuardLab lab{options};
    lab.start_daemon();
    Neighbour neighbour{lab.lab.host};
    neighbour.machine.define(domain_xml(late_guest()));
    neighbour.machine.start("web1");
    REQUIRE(neighbour.machine.console_shows("web1", "FIP-GUEST ready", 90s));
    const auto moved = run({migrate(neighbour.machine, lab.lab.host, "10.99.0.1", {"--undefinesource"})}, 60s);
    INFO(moved.err);

    if (mode == "swap") {
        CHECK(says(moved, "an incoming migration keeps its MAC"));
        CHECK(neighbour.machine.state("web1") == "running");
        CHECK(lab.lab.host.guests().empty());
        check_nobody_claims(lab);
    } else {
        REQUIRE(moved.exit_code == 0);
        check_held(lab);
        AWAIT(lab, lab.lab.is_served("web1"));
        lab.lab.host.destroy("web1");
        lab.lab.host.start("web1");
        CHECK(lab.lab.is_right("web1"));
    }
    lab.require_clean_wire();
}

TEST_CASE("a migration away that is cancelled half-way changes nothing", "[lab]") {
    GuardLab lab{hasty()};
    lab.start_daemon();
    auto guest = lab.boot("web1", 1);
    const auto before = lab.lease_of("web1");
    Neighbour neighbour{lab.lab.host};
    cancel_half_way(lab.lab.host, neighbour.machine, "10.99.0.2");
    compare_twice(lab);
    const auto after = lab.lease_of("web1");
    CHECK(after.address == before.address);
    CHECK(after.state == LeaseState::active);
    CHECK(lab.lab.held() == 1);
    CHECK(lab.lab.is_right("web1"));
    CHECK(lab.lab.is_served("web1"));
    CHECK(guest.run(std::string{"ping -c 2 -W 2 "} + Datacenter::gateway).exit_code == 0);
    lab.require_clean_wire();
}

TEST_CASE("a guest that is still arriving is not taken over, and its address stays when it does not come", "[lab]") {
    constexpr auto address = "203.0.113.3";
    constexpr auto its_mac = "52:54:00:aa:aa:03";
    constexpr std::int64_t there = 22222;
    auto options = hasty();
    options.daemon.servers = {{11111, "192.0.2.10"}, {there, "192.0.2.20"}};
    options.daemon.warm = 0;
    GuardLab lab{options};
    lab.lab.provider.edit(address, {{"server", there}, {"mac", its_mac}});
    lab.start_daemon();
    Neighbour neighbour{lab.lab.host};
    auto guest = late_guest();
    guest.nics = {{its_mac}};
    neighbour.machine.define(domain_xml(guest));
    neighbour.machine.start("web1");
    REQUIRE(neighbour.machine.console_shows("web1", "FIP-GUEST ready", 90s));

    cancel_half_way(neighbour.machine, lab.lab.host, "10.99.0.1");
    compare_twice(lab);
    const auto entry = lab.lab.provider.find(address);
    REQUIRE(entry);
    INFO(lab.story());
    CHECK(entry->server == there);
    CHECK(entry->mac == its_mac);
    CHECK(lab.lab.held() == 0);
    CHECK(neighbour.machine.state("web1") == "running");

    // The same to its end: now it is ours.
    const auto moved = run({migrate(neighbour.machine, lab.lab.host, "10.99.0.1", {"--undefinesource"})}, 60s);
    INFO(moved.err);
    REQUIRE(moved.exit_code == 0);
    AWAIT(lab, lab.lab.provider.find(address)->server == 11111);
    AWAIT(lab, lab.lab.held_by("web1").size() == 1);
    CHECK(lab.lab.provider.find(address)->mac == its_mac);
}

TEST_CASE("what a hot-plugged NIC sends before it has its MAC never leaves", "[lab]") {
    GuardLab lab{installed()};
    lab.start_daemon();
    auto guest = late_guest();
    guest.nics = {{}};
    lab.lab.host.define(domain_xml(guest));
    AWAIT(lab, lab.lab.is_served("web1"));
    lab.lab.host.start("web1");
    REQUIRE(lab.lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    const auto first = lab.mac_of("web1").text();
    // It is not swapped before it has spoken: the daemon has no time.
    lab.lab.daemon().signal(SIGSTOP);
    REQUIRE(lab.lab.host
                .virsh({"attach-interface", "web1", "bridge", "br0", "--model", "virtio", "--mac", late_mac, "--live"})
                .exit_code == 0);
    REQUIRE(lab.lab.host.console_shows("web1", std::string{"FIP-GUEST mac eth1 "} + late_mac, 30s));
    {
        TerminalGuest running{lab.lab.host, "web1"};
        static_cast<void>(running.run(std::string{"ip link set eth1 up; ip route add "} + Datacenter::gateway +
                                      " dev eth1; ping -c 2 -W 1 " + Datacenter::gateway + "; ip route del " +
                                      Datacenter::gateway));
    }
    lab.lab.daemon().signal(SIGCONT);
    AWAIT(lab, lab.lab.is_right("web1", 2));
    AWAIT(lab, has_stopped(lab, "web1", late_mac));
    lab.require_clean_wire();
    const auto second = lab.lab.held_by("web1").at(1);
    REQUIRE(lab.lab.host.console_shows("web1", "FIP-GUEST mac eth1 " + second.mac->text(), 30s));
    check_reaches_gateway(lab, "web1", second, "eth1");
    CHECK(lab.port().frames.at(second.mac->text()) > 0);
    CHECK(lab.port().frames.count(late_mac) == 0);
    CHECK(lab.lab.live_macs("web1").at(0) == first);
}
