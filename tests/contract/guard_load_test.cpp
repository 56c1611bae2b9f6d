// Many applications while frames flow, and many MACs.
#include "guard/guard_watch.hpp"
#include "guard/sender_name.hpp"
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

#include "support/process.hpp"
#include "support/wait_until.hpp"

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// Sends foreign and registered frames in turn, about 4,000 a second, until it ends.
class Traffic {
public:
    Traffic(const Wire& guest, const Wire& host)
        : thread_{[this, &guest, &host](const std::stop_token& stop) {
              std::mutex mutex;
              std::condition_variable_any pace;
              std::unique_lock lock{mutex};
              while (!stop.stop_requested()) {
                  guest.send(udp4(foreign_mac, "192.0.2.10"));
                  guest.send(udp4(web_mac, "192.0.2.20"));
                  host.send(ether(foreign_mac, 0x88B5, "raw"));
                  guest.send(udp4(web_mac, "192.0.2.10"));
                  ++sent_;
                  pace.wait_for(lock, stop, 1ms, [] { return false; });
              }
          }} {}
    [[nodiscard]] std::size_t stop() {
        thread_.request_stop();
        thread_.join();
        return sent_;
    }

private:
    std::atomic<std::size_t> sent_{0};
    std::jthread thread_;
};

struct Seen {
    std::size_t good = 0;
    std::size_t bad = 0;
    void add(const std::vector<Frame>& frames) {
        const auto allowed = udp4(web_mac, "192.0.2.10");
        const auto mine = std::count(frames.begin(), frames.end(), allowed);
        good += static_cast<std::size_t>(mine);
        bad += frames.size() - static_cast<std::size_t>(mine);
    }
};

UplinkRules many(std::uint64_t macs) {
    auto rules = rules_of_up0();
    for (std::uint64_t i = 1; i <= macs; ++i) {
        const auto address = "198.51." + std::to_string(i >> 8) + "." + std::to_string(i & 255);
        rules.registered[Mac::local((i + 0x10000) << 16)] = {Address::parse(address)};
    }
    return rules;
}

// Processes with ten open files each, gone with the object.
class Crowd {
public:
    explicit Crowd(int size) {
        for (int i = 0; i < size; ++i) {
            const auto child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) stay();
            children_.push_back(child);
        }
    }
    ~Crowd() {
        for (const auto child : children_) ::kill(child, SIGKILL);
        for (const auto child : children_) ::waitpid(child, nullptr, 0);
    }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

private:
    [[noreturn]] static void stay() {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 10; ++i) static_cast<void>(::dup(0));
        for (;;) ::pause();
    }
    std::vector<pid_t> children_;
};

bool is_lost(const guard::GuardEvent& event) {
    return event == guard::GuardEvent{guard::EventsLost{}};
}

long milliseconds(const std::function<void()>& work) {
    const auto begin = Clock::now();
    work();
    return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count());
}

}  // namespace

TEST_CASE("a thousand changes of the rules let no foreign frame out and lose no registered one") {
    GuardGround ground;
    guard::NftGuard guard;
    GuardGround::add_port("up1", "far1");
    auto second = rules_of_up0();
    second.uplink = "up1";
    const std::vector<GuardRules> turns{{rules_of_up0()}, {many(20), second}, {second, rules_of_up0()}, {many(3)}};
    guard.apply(turns[0]);
    const auto& far = ground.wire("far0");
    Seen seen;
    Traffic traffic{ground.wire("g0"), ground.wire("up0")};
    std::size_t last = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        guard.apply(turns[i % turns.size()]);
        seen.add(far.received());
        last = i % turns.size();
    }
    const auto sent = traffic.stop();
    CHECK(wait_until([&] { return seen.add(far.received()), seen.good >= sent; }, 5s));
    CHECK(seen.good == sent);
    CHECK(seen.bad == 0);
    CHECK(sent > 1000);
    std::uint64_t counted = 0;
    for (const auto& row : guard.blocked()) {
        if (row.uplink == "up0") counted += row.frames;
    }
    CHECK(counted == 3 * sent);
    CHECK(last == 3);
    std::cout << "sent " << sent << " of each kind during 1,000 changes\n";
}

TEST_CASE("ten thousand MACs are held") {
    GuardGround ground;
    guard::NftGuard guard;
    const auto rules = many(10'000);
    const auto first = milliseconds([&] { guard.apply({rules}); });
    const auto again = milliseconds([&] { guard.apply({rules}); });
    const auto known = Mac::local(std::uint64_t{0x10000 + 777} << 16);
    bool passes = false;
    const auto ask = milliseconds([&] { passes = guard.passes("up0", known); });
    CHECK(passes);
    CHECK_FALSE(guard.passes("up0", Mac::parse(foreign_mac)));
    std::vector<UplinkState> state;
    const auto look = milliseconds([&] { state = guard.state(); });
    CHECK(state == std::vector<UplinkState>{{"up0", GuardMode::enforce, true, 10'003}});
    CHECK(ground.leaves(udp4(known.text(), "198.51.3.9")));
    CHECK_FALSE(ground.leaves(udp4(known.text(), "198.51.3.10")));
    CHECK_FALSE(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    const auto remove = milliseconds([&] { guard.remove(); });
    std::cout << "10,000 MACs: apply " << first << " ms, again " << again << " ms, passes " << ask << " ms, state "
              << look << " ms, remove " << remove << " ms\n";
    CHECK(again < 9000);
    CHECK(ask < 2000);
}

TEST_CASE("more changes than the kernel keeps are told as lost, and what follows is heard") {
    GuardGround ground;
    guard::GuardWatch watch;
    guard::NftGuard guard;
    const auto rules = many(5000);
    for (int i = 0; i < 8; ++i) guard.apply({rules});
    bool lost = false;
    const auto hear_all = [&] {
        const auto heard = watch.read();
        lost = lost || std::any_of(heard.begin(), heard.end(), is_lost);
        return heard.empty();
    };
    CHECK(wait_until(hear_all, 10s));
    CHECK(lost);
    GuardGround::nft({"flush", "ruleset"});
    std::size_t changes = 0;
    const auto hear_change = [&] {
        for (const auto& event : watch.read()) changes += std::holds_alternative<guard::RulesChanged>(event) ? 1 : 0;
        return changes > 0;
    };
    CHECK(wait_until(hear_change, 5s));
    CHECK(changes == 1);
}

TEST_CASE("a sender is named in milliseconds, also among a thousand processes") {
    GuardGround ground;
    const Crowd crowd{1000};
    GuardGround::ip("netns add blue");
    GuardGround::ip("link set g0 netns blue");
    GuardGround::ip("tuntap add tap8 mode tap");
    GuardGround::ip("tuntap add tap9 mode tap");
    Process guest{{{"qemu-system-x86_64", "-S", "-display", "none", "-nodefaults", "-machine", "none", "-name", "web",
                    "-netdev", "tap,id=net0,ifname=tap9,script=no,downscript=no"}}};
    REQUIRE(wait_until([] { return guard::name_sender({"up0", "tap9", Mac::parse(foreign_mac)}).name == "web"; }, 20s));
    ground.wire("up0");
    const auto foreign = Mac::parse(foreign_mac);
    const auto time = [&](const guard::Sender& sender, const std::string& kind) {
        std::string found;
        constexpr int times = 10;
        const auto all = milliseconds([&] {
            for (int i = 0; i < times; ++i) found = guard::name_sender(sender).kind;
        });
        CHECK(found == kind);
        CHECK(all < 100 * times);
        std::cout << kind << " " << (sender.port.empty() ? "raw" : sender.port) << ": " << all * 1000 / times
                  << " us\n";
    };
    time({"up0", "p0", foreign, false}, "namespace");
    time({"up0", "tap9", foreign, false}, "guest");
    time({"up0", "tap8", foreign, false}, "port");  // nobody holds it: every file is looked at
    time({"up0", "", foreign, true}, "process");
    time({"up0", "", foreign, false}, "host");
}
