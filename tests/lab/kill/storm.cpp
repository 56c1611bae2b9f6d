#include "lab/kill/storm.hpp"

#include "lab/kill/kill_ground.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

namespace fip::test {
namespace {

using Steady = std::chrono::steady_clock;
using Random = std::mt19937_64;

constexpr int threads = 4;
constexpr int names_each = 4;

int between(Random& random, int low, int high) {
    return std::uniform_int_distribution<int>{low, high}(random);
}

void nap(Random& random, int shortest, int longest) {
    std::this_thread::sleep_for(std::chrono::milliseconds{between(random, shortest, longest)});
}

struct Counts {
    std::atomic<int> defines{0};
    std::atomic<int> undefines{0};
    int kills = 0;
    int faults = 0;
};

/// Threads that define and undefine, each its own names. They end with the object.
class Changes {
public:
    Changes(KillGround& ground, Counts& counts, std::uint64_t seed) : ground_{ground}, counts_{counts} {
        for (int number = 0; number < threads; ++number) {
            threads_.emplace_back([this, number, seed] { run(number, Random{seed + static_cast<unsigned>(number)}); });
        }
    }
    ~Changes() { stop(); }
    Changes(const Changes&) = delete;
    Changes& operator=(const Changes&) = delete;

    /// @throws what ended a thread before
    void end() {
        stop();
        if (problem_) std::rethrow_exception(problem_);
    }

private:
    void stop() {
        is_stopped_ = true;
        for (auto& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
    }

    void run(int number, Random random) {
        try {
            while (!is_stopped_) {
                const int guest = number * names_each + between(random, 1, names_each);
                change(guest, random);
                nap(random, 5, 80);
            }
        } catch (...) {
            const std::lock_guard lock{lock_};
            problem_ = std::current_exception();
        }
    }

    /// Half of the time it goes, or goes and comes again at once, sometimes as another guest of the same name.
    void change(int number, Random& random) {
        auto guest = own_guest(number, number % 2 == 0 ? 2 : 1);
        const int dice = between(random, 0, 9);
        if (dice < 6) {
            ground_.undefine(guest.name);
            ++counts_.undefines;
        }
        if (dice < 3) return;
        if (dice == 5) guest.uuid = numbered_uuid(1000 + number);
        try {
            ground_.define(guest.xml());
            ++counts_.defines;
        } catch (const std::runtime_error& refused) {
            // It is there with the other UUID: no namesake can be defined.
            if (std::string{refused.what()}.find("already exists") == std::string::npos) throw;
        }
    }

    KillGround& ground_;
    Counts& counts_;
    std::atomic<bool> is_stopped_{false};
    std::mutex lock_;
    std::exception_ptr problem_;
    std::vector<std::thread> threads_;
};

void change_faults(KillGround& ground, Random& random, Counts& counts) {
    ground.lab.provider.clear_faults();
    const auto times = between(random, 1, 4);
    ++counts.faults;
    switch (between(random, 0, 5)) {
    case 0:
        return ground.lab.provider.fail({{"endpoint", "write"}, {"when", "after"}, {"status", 503}, {"times", times}});
    case 1:
        return ground.lab.provider.fail(
            {{"endpoint", "write"}, {"when", "after"}, {"cut", "before"}, {"times", times}});
    case 2:
        return ground.lab.provider.fail({{"endpoint", "*"}, {"status", 503}, {"times", times}});
    case 3:
        return ground.lab.provider.fail({{"endpoint", "read"}, {"when", "after"}, {"cut", "middle"}, {"times", times}});
    default:
        --counts.faults;  // as often the provider is well
    }
}

void kill_again_and_again(KillGround& ground, Steady::time_point end, Random& random, Counts& counts) {
    while (Steady::now() < end) {
        if (between(random, 0, 2) == 0) change_faults(ground, random, counts);
        auto daemon = ground.spawn_daemon();
        nap(random, 10, between(random, 0, 3) == 0 ? 1500 : 400);
        const bool died_by_itself = !daemon.is_running();
        daemon.kill();
        ++counts.kills;
        INFO("after kill " << counts.kills << '\n' << daemon.err() << ground.lab.story());
        REQUIRE_FALSE(died_by_itself);
        REQUIRE(joined(ground.wrong_at_once()) == "");
        ground.move_clock(std::chrono::seconds{between(random, 0, 20)});  // pauses after failures are over sooner
    }
    ground.lab.provider.clear_faults();
}

/// More than half of the guests may have gone while no daemon lived: that is a person's to confirm (rule 5).
Wrongs settle_or_confirm(KillGround& ground) {
    auto wrongs = ground.settle(30s);
    if (wrongs.empty() || joined(wrongs).find("which is gone") == std::string::npos) return wrongs;
    std::cout << "storm: the brake is on, confirmed\n";
    REQUIRE(ground.lab.once({"--reconcile", "--confirm"}).exit_code == 0);
    return ground.settle(30s);
}

DaemonLab::Options options() {
    DaemonLab::Options chosen;
    chosen.addresses.clear();
    for (int i = 1; i <= 12; ++i) chosen.addresses.push_back("203.0.113." + std::to_string(i));
    chosen.warm = 2;
    chosen.cooldown = "200ms";
    return chosen;
}

}  // namespace

void storm(std::chrono::seconds length, std::uint64_t seed) {
    std::cout << "storm: FIP_SEED=" << seed << std::endl;
    Random random{seed};
    Counts counts;
    KillGround ground{options()};
    ground.use(KillGround::Pace::hasty);
    {
        auto daemon = ground.spawn_daemon();
        REQUIRE(wait_until([&] { return ground.is_at_work(daemon); }, 20s));
        REQUIRE(joined(ground.settle(30s)) == "");
        REQUIRE(daemon.stop().exit_code == 0);
    }

    const auto begin = Steady::now();
    {
        Changes changes{ground, counts, seed};
        kill_again_and_again(ground, begin + length, random, counts);
        changes.end();
    }
    auto daemon = ground.spawn_daemon();
    REQUIRE(wait_until([&] { return ground.is_at_work(daemon); }, 20s));
    const auto guests = ground.guests().size();
    auto wrongs = joined(settle_or_confirm(ground));
    INFO(daemon.err() << ground.lab.story());
    REQUIRE(wrongs == "");

    for (const auto& guest : ground.guests()) ground.undefine(guest.name);
    wrongs = joined(ground.settle(30s));
    INFO(daemon.err() << ground.lab.story());
    REQUIRE(wrongs == "");
    CHECK(ground.lab.held() == 0);
    CHECK(ground.lab.is_all_given_back());
    CHECK(daemon.stop().exit_code == 0);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - begin).count();
    std::cout << "storm: " << counts.kills << " kills, " << counts.defines << " defines, " << counts.undefines
              << " undefines, " << counts.faults << " faults, " << guests << " guests at the end, " << seconds << " s"
              << std::endl;
}

std::uint64_t chosen_seed() {
    const char* seed = std::getenv("FIP_SEED");
    return seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device{}();
}

}  // namespace fip::test
