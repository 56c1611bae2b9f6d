// Rule 4: the daemon is killed before and after each effect it has on the world, and started again.
#include "lab/kill/kill_ground.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>

using namespace fip;
using namespace fip::test;

namespace {

using Steady = std::chrono::steady_clock;
constexpr auto effects_file = "/run/failover-ip-effects";
constexpr auto connected = "libvirt-connected: ";

struct Scenario {
    DaemonLab::Options options{};
    std::string before{};                    ///< Definition of a guest that is served already; empty: none.
    std::function<void(KillGround&)> act{};  ///< Absent: an empty store is what the daemon meets.
};

/// One run of a daemon that is to be killed.
class Run {
public:
    Run(KillGround& ground, std::map<std::string, std::string> environment) : ground_{ground} {
        std::ofstream{ground.lab.host.path(effects_file), std::ios::trunc};
        environment["FIP_EFFECTS_FILE"] = effects_file;
        daemon_.emplace(ground.spawn_daemon(std::move(environment), true));
    }

    [[nodiscard]] bool is_dead() { return !daemon_->is_running(); }
    [[nodiscard]] std::string log() const { return daemon_->err(); }

    [[nodiscard]] std::vector<std::string> effects() const {
        std::ifstream file{ground_.lab.host.path(effects_file)};
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }

    /// It is dead, or has listened to libvirt and had no effect for `pause`, or has had `enough`.
    void wait_until_quiet(std::chrono::milliseconds pause, std::size_t enough) {
        std::size_t count = 0;
        auto since = Steady::now();
        const bool ended = wait_until(
            [&] {
                if (is_dead()) return true;
                const auto now = effects().size();
                if (now != count || log().find(connected) == std::string::npos) since = Steady::now();
                count = now;
                return count >= enough || Steady::now() - since >= pause;
            },
            20s);
        if (!ended) throw std::runtime_error{"the daemon does not come to rest: " + log()};
    }

private:
    KillGround& ground_;
    std::optional<Process> daemon_;
};

constexpr auto pause = 1500ms;
constexpr std::size_t all_of_them = 1'000'000;

void prepare(KillGround& ground, const Scenario& scenario) {
    if (scenario.act) {
        ground.use(KillGround::Pace::hasty);
        auto daemon = ground.spawn_daemon();
        REQUIRE(wait_until([&] { return ground.is_at_work(daemon); }, 20s));
        REQUIRE(joined(ground.settle(20s)) == "");
        if (!scenario.before.empty()) ground.define(scenario.before);
        INFO(daemon.err());
        REQUIRE(joined(ground.settle(20s)) == "");
        REQUIRE(daemon.stop().exit_code == 0);
    }
    ground.save();
}

/// A daemon that nobody kills puts right what the killed one left.
void recover(KillGround& ground, const std::string& story) {
    ground.use(KillGround::Pace::hasty);
    auto daemon = ground.spawn_daemon();
    const bool is_up = wait_until([&] { return ground.is_at_work(daemon); }, 20s);
    const auto wrongs = joined(ground.settle(20s));
    const auto exit_code = daemon.stop().exit_code;
    INFO(story << "--- the log of the next daemon\n" << daemon.err() << ground.lab.story());
    REQUIRE(is_up);
    REQUIRE(wrongs == "");
    REQUIRE(exit_code == 0);
    REQUIRE(joined(ground.wrong_when_quiet()) == "");
}

void kill_everywhere(const std::string& name, const Scenario& scenario) {
    const auto begin = Steady::now();
    KillGround ground{scenario.options};
    prepare(ground, scenario);

    // Once to the end: how many effects has it when it starts, and how many with what is done to it then?
    std::size_t at_start = 0;
    std::vector<std::string> effects;
    {
        ground.use(KillGround::Pace::patient);
        Run run{ground, {}};
        if (scenario.act) {
            run.wait_until_quiet(pause, all_of_them);
            at_start = run.effects().size();
            scenario.act(ground);
        }
        run.wait_until_quiet(pause, all_of_them);
        effects = run.effects();
        INFO(run.log());
        REQUIRE_FALSE(run.is_dead());
        REQUIRE(joined(ground.wrong_when_quiet()) == "");
    }
    REQUIRE(effects.size() >= at_start + 3);

    int kills = 0;
    int survived = 0;
    for (std::size_t number = 1; number <= effects.size(); ++number) {
        for (const std::string moment : {"before", "after"}) {
            ground.restore();
            ground.use(KillGround::Pace::patient);
            auto story = name + ", killed " + moment + " effect " + effects[number - 1] + "\n";
            {
                Run run{ground, {{"FIP_KILL_AT", std::to_string(number) + ":" + moment}}};
                if (scenario.act) {
                    run.wait_until_quiet(pause, at_start);
                    scenario.act(ground);  // also when it is dead already: then nobody saw it
                }
                run.wait_until_quiet(pause, all_of_them);
                // Threads take turns as they like: a run may have an effect less than the first one.
                run.is_dead() ? ++kills : ++survived;
                for (const auto& effect : run.effects()) story += effect + "\n";
                story += "--- its log\n" + run.log();
            }
            {
                INFO(story << ground.lab.story());
                REQUIRE(joined(ground.wrong_at_once()) == "");
            }
            recover(ground, story);
        }
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - begin).count();
    std::cout << name << ": " << effects.size() << " effects (" << at_start << " at the start), " << kills << " kills, "
              << survived << " survived, " << seconds << " s\n";
    CHECK(survived * 5 <= kills);
}

DaemonLab::Options options() {
    DaemonLab::Options chosen;
    chosen.addresses = {"203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8"};
    chosen.cooldown = "200ms";
    return chosen;
}

IdleGuest guest_with_two_addresses() {
    auto guest = own_guest(1);
    guest.metadata = "<request xmlns='urn:failover-ip:request:1' addresses='2'/>";
    return guest;
}

}  // namespace

TEST_CASE("a first sync killed at any effect ends with the warm stock and nothing else", "[lab]") {
    kill_everywhere("sync", {options(), {}, {}});
}

TEST_CASE("a define killed at any effect ends with one served guest and nothing leaked", "[lab]") {
    const auto xml = own_guest(1).xml();
    kill_everywhere("define", {options(), {}, [xml](KillGround& ground) { ground.define(xml); }});
}

TEST_CASE("an undefine killed at any effect gives everything back", "[lab]") {
    kill_everywhere("undefine", {options(), own_guest(1).xml(), [](KillGround& ground) { ground.undefine("web1"); }});
}

TEST_CASE("a define with two addresses killed at any effect ends with both", "[lab]") {
    const auto xml = guest_with_two_addresses().xml();
    kill_everywhere("define, two addresses", {options(), {}, [xml](KillGround& ground) { ground.define(xml); }});
}

TEST_CASE("an undefine with two addresses killed at any effect gives both back", "[lab]") {
    kill_everywhere("undefine, two addresses",
                    {options(), guest_with_two_addresses().xml(), [](KillGround& ground) { ground.undefine("web1"); }});
}
