// Rule 4 on a Proxmox node: the watcher is killed before and after each effect it has on the world, and started again.
#include "lab/preload.hpp"
#include "pve_lab.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

PveLab::Options hasty() {
    PveLab::Options options;
    options.addresses.clear();
    for (int i = 1; i <= 12; ++i) options.addresses.push_back("198.51.100." + std::to_string(i));
    options.interval = "1s";
    options.grace = "1s";
    return options;
}

/// @param qm_delay  how long each qm of the watcher takes before it does anything, in milliseconds
std::map<std::string, std::string> killed_at(const PveLab& lab, const std::string& at, const std::string& qm_delay) {
    std::map<std::string, std::string> environment{{"FIP_SIM_PVE_DELAY_MS", qm_delay},
                                                   {"FIP_EFFECTS_FILE", lab.files / "effects"},
                                                   {"FIP_KILL_PROGRAM", "failover-ip-proxmox"}};
    if (!at.empty()) environment["FIP_KILL_AT"] = at;
    return preload(Preload::kill_at, std::move(environment));
}

std::vector<std::string> effects(const PveLab& lab) {
    std::ifstream file{lab.files / "effects"};
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

std::size_t runs_of(const std::vector<std::string>& lines, const std::string& program) {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(" run " + program) != std::string::npos; }));
}

/// Begin with a watcher that dies at its Nth effect, and go on with one that lives, until `is_done`.
/// False: the first one lived to see it.
bool dies_on_the_way(PveLab& lab, const std::string& at, const std::function<void()>& act,
                     const std::function<bool()>& is_done, const std::string& qm_delay = "0") {
    std::ofstream{lab.files / "effects", std::ios::trunc};
    try {
        lab.start_watcher(killed_at(lab, at, qm_delay));
    } catch (const std::runtime_error&) {
        // It died before it was up.
    }
    act();
    const bool has_come = wait_until([&] { return !lab.watcher_runs() || is_done(); }, 20s);
    const bool has_died = !lab.watcher_runs();
    if (!has_come) UNSCOPED_INFO(lab.story());
    REQUIRE(has_come);
    if (!has_died) {
        lab.kill_watcher();
        return false;
    }
    lab.start_watcher();
    PVE_AWAIT(lab, is_done());
    lab.kill_watcher();
    return true;
}

/// How many effects it has from its start to the end of a guest's making (or taking apart).
std::vector<std::string> all_effects(PveLab& lab, const std::function<void()>& act,
                                     const std::function<bool()>& is_done, const std::string& qm_delay = "0") {
    REQUIRE_FALSE(dies_on_the_way(lab, "", act, is_done, qm_delay));
    return effects(lab);
}

}  // namespace

TEST_CASE("a watcher that is killed at any effect of a guest's life leaves nothing behind") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    lab.start_watcher();
    lab.kill_watcher();
    const auto make = [&] { lab.create(100, "web1"); };
    // The name, if the kill came between its intent and its call, is a minute late.
    const auto is_made = [&] { return lab.wears_its_mac(100, "web1"); };
    const auto destroy = [&] { lab.node.must({"qm", "destroy", "100"}); };
    const auto is_gone = [&] { return lab.is_all_given_back(); };

    const auto of_making = all_effects(lab, make, is_made);
    const auto of_ending = all_effects(lab, destroy, is_gone);
    CHECK(runs_of(of_making, "qm") >= 1);
    CHECK(of_ending.size() >= 3);

    // Each effect of the making once, before it or after it by turns, and as many spread over the ending.
    int kills = 0;
    for (std::size_t i = 0; i < of_making.size(); ++i) {
        const auto* side = i % 2 == 0 ? ":before" : ":after";
        const auto at = std::to_string(i + 1) + side;
        const auto end_at = std::to_string(i * of_ending.size() / of_making.size() + 1) + side;
        CAPTURE(at, end_at);
        kills += dies_on_the_way(lab, at, make, is_made) ? 1 : 0;
        CHECK(lab.is_nothing_leaked());
        kills += dies_on_the_way(lab, end_at, destroy, is_gone) ? 1 : 0;
        CHECK(lab.held() == 0);
        CHECK(lab.is_nothing_leaked());
    }
    CHECK(kills >= static_cast<int>(of_making.size()) / 2);
    std::cout << kills << " kills at " << of_making.size() << " + " << of_ending.size() << " effects\n";
}

TEST_CASE("a watcher that is killed again and again while guests come and go leaks nothing") {
    PVE_NODE_OR_SKIP();
    PveLab lab{hasty()};
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    auto churn =
        lab.node.spawn({"sh", "-c",
                        "for round in 1 2 3 4 5; do for i in 1 2 3 4 5 6; do "
                        "qm create 10$i --name web$i --net0 virtio,bridge=vmbr0 --memory 64; sleep 0.2; done; "
                        "for i in 1 2 3 4 5; do qm destroy 10$i; sleep 0.1; done; "
                        "qm destroy 106; done >/dev/null 2>&1; "
                        "for i in 1 2 3; do qm create 10$i --name web$i --net0 virtio,bridge=vmbr0 --memory 64; "
                        "done"});
    int kills = 0;
    while (churn.is_running()) {
        lab.start_watcher();
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 700});
        lab.kill_watcher();
        ++kills;
    }
    lab.start_watcher();
    PVE_AWAIT(lab, lab.wears_its_mac(101, "web1") && lab.wears_its_mac(102, "web2") && lab.wears_its_mac(103, "web3"));
    PVE_AWAIT(lab, lab.held() == 3);
    PVE_AWAIT(lab, lab.is_nothing_leaked());
    std::cout << kills << " kills\n";
}

TEST_CASE("a watcher that is killed while it starts a VM anew in its firmware leaves one that runs") {
    PVE_NODE_OR_SKIP();
    auto options = hasty();
    options.node.has_qemu = true;
    options.warm = 2;
    options.interval = "60s";
    PveLab lab{options};
    lab.start_watcher();
    lab.kill_watcher();
    const std::string qm_delay = "500";
    const auto make = [&] {
        lab.node.must({"sh", "-c",
                       "qm create 100 --name web1 --net0 virtio,bridge=vmbr0 --memory 64 && sleep 0.05 && "
                       "qm start 100"});
    };
    const auto is_running = [&] {
        return lab.node.pid_of(100) != 0 &&
               lab.node.qmp(100, R"({"execute":"query-status"})").find(R"("status": "running")") != std::string::npos;
    };
    // Killed late, it may find a guest that has left its firmware: then the MAC waits for the next start.
    const auto is_over = [&] {
        try {
            const bool is_pending = lab.node.config(100)->find("[PENDING]") != std::string::npos;
            return is_running() && lab.notes(NoteKind::restarting).empty() &&
                   (is_pending || lab.wears_its_mac(100, "web1"));
        } catch (const std::exception&) {
            return false;  // between its two runs
        }
    };
    const auto end = [&] {
        std::this_thread::sleep_for(1s);  // a killed watcher's `qm start` is under way, and would undo an early stop
        lab.start_watcher();
        lab.node.must({"qm", "stop", "100"});
        lab.node.must({"qm", "destroy", "100"});
        PVE_AWAIT(lab, lab.is_all_given_back());
        lab.kill_watcher();
    };
    std::vector<std::string> of_restart;
    for (int i = 0; i < 5 && runs_of(of_restart, "qm") < 3; ++i) {  // it may come too late
        of_restart = all_effects(lab, make, is_over, qm_delay);
        end();
    }
    REQUIRE(runs_of(of_restart, "qm") >= 3);  // stop, set, start
    const auto is_qm = [](const std::string& line) { return line.find(" run qm") != std::string::npos; };
    std::vector<std::size_t> runs;
    for (std::size_t i = 0; i < of_restart.size(); ++i) {
        if (is_qm(of_restart[i])) runs.push_back(i);
    }
    int kills = 0, tries = 0;
    const auto kill_at = [&](std::size_t effect, const char* side) {
        const auto at = std::to_string(effect + 1) + side;
        CAPTURE(at, of_restart.at(effect));
        ++tries;
        kills += dies_on_the_way(lab, at, make, is_over, qm_delay) ? 1 : 0;
        end();
    };
    const auto first = runs.at(runs.size() - 3);
    kill_at(first - 1, ":after");  // the note that comes before it
    for (const auto run : {first, runs.back()}) {
        kill_at(run, ":before");
        kill_at(run, ":after");
    }
    kill_at(runs.back() + 1, ":before");  // its end
    CHECK(kills >= 3);
    std::cout << kills << " kills in " << tries << " tries\n";
}
