// The guard is rewritten, its daemon killed and started again, guests and libvirtd come and go, and all the while
// everybody on the host sends what must not leave.
#include "lab/dataplane/guard_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>

using namespace fip;
using namespace fip::test;

namespace {

struct Storm {
    int kills = 0;
    int ups = 0;      ///< `failover-ip guard up`, between two kills.
    int reloads = 0;  ///< SIGHUP, between two kills.
    int guests = 0;   ///< That are defined, started and undefined again.
    int libvirtd_restarts = 0;
    int frames = 0;  ///< Of each of four senders, 50 MACs each.
    int rate = 0;    ///< A second.
};

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

std::vector<std::string> flood(const Storm& storm, int seed) {
    return {"--count", std::to_string(storm.frames), "--macs",       "50",  "--seed",     std::to_string(seed),
            "--rate",  std::to_string(storm.rate),   "--ethertypes", "all", "--into-wall"};
}

/// From the bridge's own device, the network card, and a port. The fourth sender is a guest.
std::vector<Process> start_senders(GuardLab& lab, const Storm& storm, TerminalGuest& evil) {
    lab.add_box("box");
    std::vector<Process> senders;
    int seed = 100;
    for (const auto* device : {"br0", GuardLab::uplink}) {
        auto words = flood(storm, seed++);
        words.insert(words.begin(), device);
        senders.push_back(lab.send(words));
    }
    std::vector<std::string> boxed{"ip", "netns", "exec", "box", send_frames_program(), "eth0"};
    std::string typed = "send-frames eth0";
    for (const auto& word : flood(storm, seed++)) boxed.push_back(word);
    for (const auto& word : flood(storm, seed++)) typed += " " + word;
    senders.push_back(lab.lab.host.spawn(boxed));
    evil.say("run " + typed + " &");
    return senders;
}

void reload(GuardLab& lab) {
    const auto before = count(lab.lab.log(), "reloaded: ");
    lab.lab.reload();
    AWAIT(lab, count(lab.lab.log(), "reloaded: ") > before);
}

void come_and_go(GuardLab& lab, int number) {
    IdleGuest guest;
    guest.name = "idle" + std::to_string(number);
    guest.uuid = numbered_uuid(1000 + number);
    lab.lab.host.define(guest.xml());
    AWAIT(lab, lab.lab.is_served(guest.name));
    lab.lab.host.start(guest.name);
    lab.lab.host.destroy(guest.name);
    lab.lab.host.undefine(guest.name);
    AWAIT(lab, lab.lab.held_by(guest.name).empty());
}

bool is_every(int step, int total, int wanted) {
    return wanted > 0 && step % std::max(1, total / wanted) == 0 && step / std::max(1, total / wanted) < wanted;
}

void rage(GuardLab& lab, const Storm& storm, const TerminalGuest& web) {
    for (int i = 0; i < storm.kills; ++i) {
        for (int n = 0; n < storm.ups; ++n) REQUIRE(lab.cli({"guard", "up"}).exit_code == 0);
        for (int n = 0; n < storm.reloads; ++n) reload(lab);
        if (is_every(i, storm.kills, storm.guests)) come_and_go(lab, i);
        if (is_every(i, storm.kills, storm.libvirtd_restarts)) lab.lab.host.restart_libvirtd();
        lab.lab.kill_daemon();
        REQUIRE(lab.state() == "up");
        REQUIRE(lab.port().is_open());
        lab.lab.start_daemon();
        REQUIRE(web.pings(Datacenter::gateway).value_or(TerminalGuest::Pings{}).lost() == 0);
    }
}

void run_storm(const Storm& storm) {
    GuardLab::Options options;
    options.daemon.warm = 2;
    options.daemon.addresses = {"203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8", "203.0.113.9"};
    GuardLab lab{options};
    lab.start_daemon();
    auto web = lab.boot("web1", 1);
    auto evil = lab.boot("evil1", 2);
    const std::string gateway = Datacenter::gateway;
    static_cast<void>(web.run("keep-pinging " + gateway + " &"));
    auto writes = lab.lab.host.spawn({"nft", "monitor"});
    const auto begin = std::chrono::steady_clock::now();
    auto senders = start_senders(lab, storm, evil);

    rage(lab, storm, web);
    std::cout << "storm: raged " << std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()
              << " s\n";
    const auto sent = "sent " + std::to_string(storm.frames);
    for (auto& sender : senders) {
        const auto ended = sender.wait(std::chrono::seconds{120});
        REQUIRE(ended);
        CHECK(ended->out == sent + "\n");
    }
    CHECK(evil.shows(sent, 120s));
    const auto received = [&] { return web.pings(gateway).value_or(TerminalGuest::Pings{}).received; };
    const auto before = received();
    INFO("web1: " << web.console());
    CHECK(wait_until([&] { return received() > before; }, 20s));

    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto pings = *web.pings(gateway);
    std::cout << "storm: " << took << " s, " << storm.kills << " kills, " << storm.kills * storm.ups << " guard up, "
              << storm.kills * storm.reloads << " SIGHUP, " << count(writes.out(), "# new generation")
              << " rule sets written, " << 4 * storm.frames << " foreign frames, pings " << pings.received << "/"
              << pings.sent << ", frames of registered MACs on the wire " << lab.port().received << "\n";
    lab.require_clean_wire();
    CHECK(pings.lost() == 0);
    CHECK(pings.received > 100);
    // What the kernel had counted and a kill made nobody take over is no matter; most of it is there.
    std::uint64_t blocked = 0;
    for (const auto& row : lab.stopped()) blocked += row.frames;
    CHECK(blocked > static_cast<std::uint64_t>(storm.frames));
}

}  // namespace

// The same twice: in `check`, and the whole of it in `check --long`.
#ifdef FIP_LONG
TEST_CASE("a thousand reloads and a hundred kills long nothing gets out and nothing good is lost", "[lab]") {
    run_storm(
        {.kills = 100, .ups = 4, .reloads = 6, .guests = 20, .libvirtd_restarts = 5, .frames = 6'000, .rate = 40});
}
#else
TEST_CASE("in a storm of foreign frames nothing gets out and nothing good is lost", "[lab]") {
    run_storm({.kills = 10, .ups = 4, .reloads = 6, .guests = 3, .libvirtd_restarts = 2, .frames = 2'500, .rate = 100});
}
#endif
