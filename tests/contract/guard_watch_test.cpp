// What the kernel says about the rules, the devices and the blocked frames, and when.
#include "guard/guard_watch.hpp"
#include "guard/nft_program.hpp"
#include "guard/nft_rules.hpp"
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "support/process.hpp"

using namespace fip;
using namespace fip::guard;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

// Reads until `wanted` is among the events, or for `limit`.
template <typename Wanted>
std::vector<GuardEvent> hear(GuardWatch& watch, const Wanted& wanted, std::chrono::milliseconds limit = 2s) {
    std::vector<GuardEvent> all;
    const auto end = Clock::now() + limit;
    while (Clock::now() < end && std::none_of(all.begin(), all.end(), wanted)) {
        pollfd ready{watch.descriptor(), POLLIN, 0};
        ::poll(&ready, 1, 10);
        for (auto& event : watch.read()) all.push_back(std::move(event));
    }
    return all;
}

template <typename Kind>
std::vector<Kind> only(const std::vector<GuardEvent>& events) {
    std::vector<Kind> all;
    for (const auto& event : events) {
        if (const auto* one = std::get_if<Kind>(&event)) all.push_back(*one);
    }
    return all;
}

bool is_change(const GuardEvent& event) {
    return std::holds_alternative<RulesChanged>(event);
}

auto is_blocked(const std::string& mac) {
    return [mac](const GuardEvent& event) {
        const auto* frame = std::get_if<FrameBlocked>(&event);
        return frame != nullptr && frame->mac.text() == mac;
    };
}

}  // namespace

TEST_CASE("whoever changes our tables is named within 100 ms, and we can tell ourselves apart") {
    GuardGround ground;
    const auto writes = std::make_shared<OwnWrites>();
    NftGuard guard{writes};
    GuardWatch watch;
    guard.apply({rules_of_up0()});
    auto own = only<RulesChanged>(hear(watch, is_change));
    REQUIRE(own.size() == 1);
    CHECK(own[0].program == "nft");
    CHECK(writes->made(own[0].generation));
    CHECK(guard.state().size() == 1);

    const auto words =
        GENERATE(as<std::vector<std::string>>{}, std::vector<std::string>{"flush", "ruleset"},
                 std::vector<std::string>{"delete", "table", "bridge", "failover_ip"},
                 std::vector<std::string>{"delete", "table", "netdev", "failover_ip"},
                 std::vector<std::string>{"flush", "chain", "bridge", "failover_ip", "postrouting"},
                 std::vector<std::string>{"add", "element", "bridge", "failover_ip", "enforced", "{ x }"},
                 std::vector<std::string>{"add", "rule", "netdev", "failover_ip", "check", "accept"});
    INFO(words[0] << " " << words[1] << " " << words[2 % words.size()]);
    auto command = words;
    command.insert(command.begin(), "nft");
    Process other{{command}};
    const auto begin = Clock::now();
    const auto heard = only<RulesChanged>(hear(watch, is_change));
    const auto took = Clock::now() - begin;
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].pid == other.pid());
    CHECK(heard[0].program == "nft");
    CHECK_FALSE(writes->made(heard[0].generation));
    CHECK(took < 100ms);
    static_cast<void>(other.wait(5s));
}

TEST_CASE("what somebody else changes while a write of ours fails is not taken for ours") {
    GuardGround ground;
    OwnWrites writes;
    NftGuard{}.apply({rules_of_up0()});
    GuardWatch watch;
    const auto reply = writes.during([] {
        GuardGround::nft({"flush", "ruleset"});
        return run_nft({{"flush", "set", "bridge", std::string{table_name}, "blocked"}});
    });
    CHECK(reply.is_missing());
    const auto heard = only<RulesChanged>(hear(watch, is_change));
    REQUIRE(heard.size() == 1);
    CHECK_FALSE(writes.made(heard[0].generation));
}

TEST_CASE("every write that is done is one change, also where nothing was to be changed") {
    GuardGround ground;
    NftGuard guard;
    std::vector<std::uint32_t> numbers{ruleset_generation().value()};
    guard.apply({rules_of_up0()});
    numbers.push_back(ruleset_generation().value());
    guard.apply({rules_of_up0()});
    numbers.push_back(ruleset_generation().value());
    guard.forget_blocked();
    numbers.push_back(ruleset_generation().value());
    guard.forget_blocked();
    numbers.push_back(ruleset_generation().value());
    for (std::size_t i = 1; i < numbers.size(); ++i) CHECK(numbers[i] == numbers[0] + i);
    CHECK(guard.state().size() == 1);
}

TEST_CASE("changes of other tables are nobody's business") {
    GuardGround ground;
    NftGuard guard;
    guard.apply({rules_of_up0()});
    GuardWatch watch;
    GuardGround::nft({"-f", "-"},
                     "add table inet failover_ip\nadd table bridge other\nadd chain bridge other c\n"
                     "add set bridge other failover_ip { type ifname; }\ndelete table bridge other\n");
    CHECK(only<RulesChanged>(hear(watch, is_change, 50ms)).empty());
    GuardGround::nft({"add", "chain", "bridge", "failover_ip", "more"});
    CHECK(only<RulesChanged>(hear(watch, is_change)).size() == 1);
}

TEST_CASE("devices that come, go and change are told") {
    GuardGround ground;
    GuardWatch watch;
    const auto tells = [&](const std::string& name) {
        const GuardEvent wanted{LinkChanged{name}};
        const auto heard = hear(watch, [&](const GuardEvent& event) { return event == wanted; });
        return std::find(heard.begin(), heard.end(), wanted) != heard.end();
    };
    GuardGround::ip("link add up1 type veth peer name far1");
    CHECK(tells("up1"));
    GuardGround::ip("link set up1 address 02:00:00:00:00:99");
    CHECK(tells("up1"));
    GuardGround::ip("link set up1 master br0");
    CHECK(tells("up1"));
    GuardGround::ip("link set up1 nomaster");
    CHECK(tells("up1"));
    GuardGround::ip("link set up1 name wan");
    CHECK(tells("up1"));
    GuardGround::ip("link set wan mtu 1400");
    static_cast<void>(hear(
        watch, [](auto&) { return false; }, 50ms));
    GuardGround::ip("link set wan mtu 1300");
    CHECK(hear(
              watch, [](auto&) { return false; }, 50ms)
              .empty());
    GuardGround::ip("link del wan");
    CHECK(tells("wan"));
}

TEST_CASE("a blocked sender is told once, with its port") {
    GuardGround ground;
    NftGuard guard;
    GuardWatch watch;
    REQUIRE(watch.hears_blocked());
    const auto mode = GENERATE(GuardMode::enforce, GuardMode::observe);
    guard.apply({rules_of_up0(mode)});
    const auto mac = Mac::parse(foreign_mac);
    for (int i = 0; i < 3; ++i) static_cast<void>(ground.leaves(udp4(foreign_mac, "192.0.2.10")));
    static_cast<void>(ground.leaves(udp4(foreign_mac, "192.0.2.10"), "br0"));
    static_cast<void>(ground.leaves(udp4(web_mac, "192.0.2.20"), "g1"));
    static_cast<void>(ground.leaves(udp4(mail_mac, "192.0.2.20"), "g1"));
    static_cast<void>(ground.leaves(ether("02:00:00:00:77:77", 0x88B5, "raw"), "up0"));
    const auto heard = only<FrameBlocked>(hear(watch, is_blocked("02:00:00:00:77:77")));
    const std::vector<FrameBlocked> expected{{"up0", "p0", mac, false},
                                             {"up0", "", mac, false},
                                             {"up0", "p1", Mac::parse(web_mac), false},
                                             {"up0", "", Mac::parse("02:00:00:00:77:77"), true}};
    CHECK(heard == expected);
}

TEST_CASE("a flood of senders is told of a few, and stopped all the same") {
    GuardGround ground;
    NftGuard guard;
    GuardWatch watch;
    guard.apply({rules_of_up0()});
    for (std::uint64_t i = 1; i <= 1000; ++i) ground.wire("g0").send(ether(Mac::local(i << 16).text(), 0x88B5, "many"));
    const auto heard = only<FrameBlocked>(hear(
        watch, [](auto&) { return false; }, 100ms));
    CHECK(heard.size() >= 20);
    CHECK(heard.size() < 60);
}

TEST_CASE("a second watcher of the namespace hears everything but blocked frames") {
    GuardGround ground;
    GuardWatch first;
    GuardWatch second;
    CHECK(first.hears_blocked());
    CHECK_FALSE(second.hears_blocked());
    NftGuard guard;
    guard.apply({rules_of_up0()});
    CHECK(only<RulesChanged>(hear(second, is_change)).size() == 1);
}
