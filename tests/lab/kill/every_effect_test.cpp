// Rule 4: the daemon is killed before and after each effect it has on the world, and started again.
#include "lab/kill/kill_ground.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <set>

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
    bool has_uplink = false;                 ///< With a guard.
    std::vector<std::string> kinds{};        ///< Of effects to be killed at: commit, request, libvirt, run; empty: all.
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
    if (scenario.has_uplink) ground.lay_uplink();
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

/// One scenario, from the same beginning as often as it has effects to be killed at.
class Story {
public:
    Story(std::string name, const Scenario& scenario)
        : name_{std::move(name)}, scenario_{scenario}, ground_{scenario.options} {
        prepare(ground_, scenario_);
    }

    void kill_everywhere() {
        const auto begin = Steady::now();
        run_to_the_end();
        for (std::size_t number = 1; number <= effects_.size(); ++number) {
            if (!is_wanted(words_of(effects_[number - 1]))) continue;
            for (const auto* moment : {"before", "after"}) {
                kill_at(std::to_string(number), words_of(effects_[number - 1]), moment);
            }
        }
        // Threads take turns as they like: a number may be another effect than in the first run. What no kill has met
        // is met by its words.
        for (std::size_t round = 0; round < most_rounds; ++round) {
            for (const auto& [words, moment] : missed()) kill_at(words, words, moment);
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - begin).count();
        std::cout << name_ << ": " << effects_.size() << " effects (" << at_start_ << " at the start), " << kills_
                  << " kills, " << survived_ << " survived, " << seconds << " s" << std::endl;
        CHECK(survived_ * 5 <= kills_);
        for (const auto& [words, moment] : missed()) FAIL_CHECK("never killed " << moment << ' ' << words);
    }

private:
    using Place = std::pair<std::string, std::string>;  // an effect's words, and the moment
    static constexpr std::size_t most_rounds = 3;

    /// How many effects has it when it starts, and how many with what is done to it then?
    void run_to_the_end() {
        ground_.use(KillGround::Pace::patient);
        Run run{ground_, {}};
        if (scenario_.act) {
            run.wait_until_quiet(pause, all_of_them);
            at_start_ = run.effects().size();
            scenario_.act(ground_);
        }
        run.wait_until_quiet(pause, all_of_them);
        effects_ = run.effects();
        note(effects_);
        INFO(run.log());
        REQUIRE_FALSE(run.is_dead());
        REQUIRE(joined(ground_.wrong_when_quiet()) == "");
        REQUIRE(effects_.size() >= at_start_ + 3);
    }

    /// @param place  the effect's number, or its words
    void kill_at(const std::string& place, const std::string& words, const std::string& moment) {
        ground_.restore();
        ground_.use(KillGround::Pace::patient);
        auto story = name_ + ", to be killed " + moment + " effect " + place + "\n";
        {
            Run run{ground_, {{"FIP_KILL_AT", place + ":" + moment}}};
            if (scenario_.act) {
                run.wait_until_quiet(pause, at_start_);
                scenario_.act(ground_);  // also when it is dead already: then nobody saw it
            }
            run.wait_until_quiet(pause, all_of_them);
            run.is_dead() ? ++kills_ : ++survived_;
            const auto effects = run.effects();
            note(effects);
            for (const auto& effect : effects) {
                story += effect + "\n";
                const bool is_it = place == words ? words_of(effect) == words : effect.starts_with(place + " ");
                if (run.is_dead() && is_it) killed_at_.insert({words_of(effect), moment});
            }
            story += "--- its log\n" + run.log();
        }
        {
            INFO(story << ground_.lab.story());
            REQUIRE(joined(ground_.wrong_at_once()) == "");
        }
        recover(ground_, story);
    }

    /// Requests and changes of a definition at which it was not killed yet; commits cannot be told from each other.
    [[nodiscard]] std::vector<Place> missed() const {
        std::vector<Place> places;
        for (const auto& words : seen_) {
            if (words.rfind("commit", 0) == 0 || !is_wanted(words)) continue;
            for (const auto* moment : {"before", "after"}) {
                if (!killed_at_.contains({words, moment})) places.emplace_back(words, moment);
            }
        }
        return places;
    }

    [[nodiscard]] bool is_wanted(const std::string& words) const {
        return scenario_.kinds.empty() ||
               std::ranges::any_of(scenario_.kinds, [&](const auto& kind) { return words.starts_with(kind); });
    }

    void note(const std::vector<std::string>& effects) {
        for (const auto& effect : effects) seen_.insert(words_of(effect));
    }

    static std::string words_of(const std::string& effect) { return effect.substr(effect.find(' ') + 1); }

    std::string name_;
    const Scenario& scenario_;
    KillGround ground_;
    std::size_t at_start_ = 0;
    std::vector<std::string> effects_;
    std::set<std::string> seen_;  ///< Effects' words, in all runs.
    std::set<Place> killed_at_;
    int kills_ = 0;
    int survived_ = 0;
};

void kill_everywhere(const std::string& name, const Scenario& scenario) {
    Story{name, scenario}.kill_everywhere();
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

TEST_CASE("an undefine behind the guard, killed where rules are written, leaves no deleted MAC in the kernel",
          "[lab]") {
    kill_everywhere("undefine, guarded", {options(),
                                          own_guest(1).xml(),
                                          [](KillGround& ground) { ground.undefine("web1"); },
                                          true,
                                          {"run", "request POST /api/v1/server/failover/deleteMac"}});
}

TEST_CASE("a swap killed at any call to libvirt ends with a running guest that has its NIC", "[lab]") {
    const auto xml = own_guest(1).xml();
    kill_everywhere("swap",
                    {options(), {}, [xml](KillGround& ground) { ground.define_and_start(xml); }, false, {"libvirt"}});
}

TEST_CASE("a swap of two NICs killed at any effect ends with a running guest that has both", "[.long]") {
    const auto xml = own_guest(1, 2).xml();
    kill_everywhere("swap of two", {options(), {}, [xml](KillGround& ground) { ground.define_and_start(xml); }});
}
