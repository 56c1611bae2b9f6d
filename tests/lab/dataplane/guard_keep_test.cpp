// The guard stays: whoever deletes its tables, whatever comes and goes, and whether or not the provider answers.
#include "lab/dataplane/guard_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>
#include <thread>

using namespace fip;
using namespace fip::test;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto foreign_mac = "02:00:00:00:66:66";

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

/// `nft monitor`, which tells of each batch when the kernel has taken it.
class RuleMonitor {
public:
    explicit RuleMonitor(GuardLab& lab) : process_{lab.lab.host.spawn({"nft", "monitor"})}, lab_{lab} {
        // It hears what comes after it is there: until then, something for it to hear.
        REQUIRE(wait_until(
            [&] {
                lab.must({"nft", "add", "table", "inet", "noise"});
                lab.must({"nft", "delete", "table", "inet", "noise"});
                return !process_.out().empty();
            },
            10s));
    }

    /// What somebody else does, and how long our tables were not as they should be after it.
    std::chrono::duration<double, std::milli> time_of_repair(const std::vector<std::string>& deed,
                                                             const std::string& deleted, const std::string& added) {
        const auto from = process_.out().size();
        auto vandal = lab_.lab.host.spawn(deed);
        const auto gone = await("delete " + deleted, from);
        const auto back = await("add " + added, gone.second);
        const auto done = await("# new generation", back.second);
        static_cast<void>(vandal.wait(10s));
        return done.first - gone.first;
    }

private:
    std::pair<Clock::time_point, std::size_t> await(const std::string& text, std::size_t from) {
        const auto end = Clock::now() + 10s;
        while (Clock::now() < end) {
            const auto at = process_.out().find(text, from);
            if (at != std::string::npos) return {Clock::now(), at};
            std::this_thread::sleep_for(std::chrono::microseconds{300});
        }
        UNSCOPED_INFO(lab_.story());
        FAIL("never came: " << text);
        return {};
    }

    Process process_;
    GuardLab& lab_;
};

struct Deed {
    std::vector<std::string> argv;
    std::string deleted, added;
    int times = 0;
};

/// Of a MAC in the kernel: may it leave?
bool passes(GuardLab& lab, const std::string& mac) {
    const auto set = lab.lab.host.exec({"nft", "list", "set", "bridge", "failover_ip", "registered"});
    return set.out.find(mac) != std::string::npos;
}

Result send_foreign(GuardLab& lab, const std::string& box, int frames = 50) {
    return lab.must({"ip", "netns", "exec", box, send_frames_program(), "eth0", "--mac", foreign_mac, "--count",
                     std::to_string(frames)});
}

void cable(GuardLab& lab) {
    lab.datacenter.attach(lab.lab.host, {"server1", "192.0.2.10", GuardLab::server_mac, GuardLab::uplink, "br0"});
}

}  // namespace

TEST_CASE("tables that another root process deletes are back within 100 ms, and others' tables stay", "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    lab.add_box("box");
    lab.must({"nft", "-f", "-"},
             "table inet other {\n set s { type ipv4_addr; elements = { 192.0.2.77 }; }\n"
             " chain c {\n type filter hook input priority 0\n ip saddr @s counter drop\n }\n}\n"
             "table bridge other {\n chain c {\n type filter hook forward priority 5\n }\n}\n");
    const auto others = [&] {
        return lab.must({"nft", "-s", "list", "table", "inet", "other"}).out +
               lab.must({"nft", "-s", "list", "table", "bridge", "other"}).out;
    };
    const auto before = others();
    RuleMonitor monitor{lab};
    const std::vector<Deed> deeds{
        {{"nft", "delete", "table", "bridge", "failover_ip"},
         "table bridge failover_ip",
         "table bridge failover_ip",
         10},
        {{"nft", "delete", "table", "netdev", "failover_ip"},
         "table netdev failover_ip",
         "table netdev failover_ip",
         10},
        {{"nft", "flush", "chain", "bridge", "failover_ip", "postrouting"},
         "rule bridge failover_ip postrouting",
         "rule bridge failover_ip postrouting",
         5},
        {{"nft", "flush", "ruleset"}, "table bridge failover_ip", "table bridge failover_ip", 10}};
    std::vector<double> times;
    for (const auto& deed : deeds) {
        for (int i = 0; i < deed.times; ++i) {
            INFO(deed.argv[1] << " " << deed.argv[2]);
            const auto said = count(lab.lab.log(), "guard-restored");
            times.push_back(monitor.time_of_repair(deed.argv, deed.deleted, deed.added).count());
            CHECK(wait_until([&] { return count(lab.lab.log(), "guard-restored") > said; }, 2s));
            AWAIT(lab, lab.state() == "up" && lab.has_last_wall());
            CHECK(count(lab.lab.log(), "guard-restored") == said + 1);
            if (deed.argv[2] != "ruleset") CHECK(others() == before);
            send_foreign(lab, "box", 5);
            lab.require_clean_wire();
        }
    }
    std::ranges::sort(times);
    std::cout << "tables back after " << times[times.size() / 2] << " ms (median), " << times.back() << " ms (worst of "
              << times.size() << ")\n";
    CHECK(times[times.size() / 2] < 100);
    CHECK(times.back() < 250);                                                          // on a busy machine
    CHECK(lab.must({"nft", "list", "tables"}).out.find("other") == std::string::npos);  // flushed, and not our business
    lab.require_clean_wire();
}

TEST_CASE("after a boot the guard is up before the bridge is, and nothing foreign comes by it", "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    REQUIRE(lab.state() == "up");
    static_cast<void>(lab.lab.stop_daemon());
    // As the machine is when the boot unit runs: no tables, no bridge, no network card yet.
    lab.must({"nft", "flush", "ruleset"});
    lab.must({"ip", "link", "del", "br0"});
    lab.must({"ip", "link", "del", GuardLab::uplink});
    lab.lab.host.new_boot_id();
    REQUIRE(lab.state() == "down");
    const auto up = lab.cli({"guard", "up"});
    INFO(up.out << up.err);
    REQUIRE(up.exit_code == 0);
    CHECK(lab.state() == "up");

    lab.must({"ip", "netns", "add", "box"});
    lab.must({"ip", "link", "add", "v-box", "type", "veth", "peer", "name", "eth0", "netns", "box"});
    lab.must({"ip", "-n", "box", "link", "set", "eth0", "up"});
    lab.must({"ip", "link", "set", "v-box", "up"});
    auto sender = lab.lab.host.spawn({"ip", "netns", "exec", "box", send_frames_program(), "eth0", "--count", "3000",
                                      "--macs", "50", "--rate", "1000", "--ethertypes", "all", "--into-wall"});
    lab.must({"ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0"});
    lab.must({"ip", "link", "set", "v-box", "master", "br0"});
    lab.must({"ip", "link", "set", "br0", "up"});
    cable(lab);
    const auto sent = sender.wait(20s);
    REQUIRE(sent);
    CHECK(sent->out == "sent 3000\n");
    CHECK(lab.lab.host.exec({"ping", "-c", "1", "-W", "2", Datacenter::gateway}).exit_code == 0);
    lab.require_clean_wire();
    CHECK_FALSE(lab.stopped().empty());

    SECTION("the daemon puts the last wall back") {
        lab.start_daemon();
        AWAIT(lab, lab.has_last_wall());
        CHECK(lab.lab.host
                  .exec({send_frames_program(), GuardLab::uplink, "--mac", foreign_mac, "--count", "50", "--into-wall"})
                  .exit_code == 0);
        lab.require_clean_wire();
    }
    SECTION("without it, all that would have come closes the port") {
        REQUIRE(lab.cli({"guard", "down"}).exit_code == 0);
        send_foreign(lab, "box");
        CHECK(wait_until([&] { return !lab.port().is_open(); }, 5s));
    }
}

TEST_CASE("an uplink that goes and comes again has its last wall again", "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    REQUIRE(lab.has_last_wall());
    lab.add_box("box");
    std::vector<double> times;
    for (int i = 0; i < 3; ++i) {
        lab.must({"ip", "link", "del", GuardLab::uplink});
        cable(lab);
        const auto begin = Clock::now();
        AWAIT(lab, lab.has_last_wall());
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        send_foreign(lab, "box");
        CHECK(lab.lab.host
                  .exec({send_frames_program(), GuardLab::uplink, "--mac", foreign_mac, "--count", "50", "--into-wall"})
                  .exit_code == 0);
        CHECK(lab.lab.host.exec({"ping", "-c", "1", "-W", "2", Datacenter::gateway}).exit_code == 0);
        lab.require_clean_wire();
    }
    std::cout << "last wall back, as guard status sees it, after at most " << *std::ranges::max_element(times)
              << " ms\n";
}

TEST_CASE("with the provider's API down the last known MACs may leave, after a boot too", "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    auto web = lab.boot("web1", 1);
    const auto mac = lab.mac_of("web1").text();
    static_cast<void>(lab.lab.stop_daemon());
    lab.lab.provider.kill();
    lab.must({"nft", "flush", "ruleset"});
    lab.lab.host.new_boot_id();

    lab.lab.start_daemon();
    AWAIT(lab, lab.state() == "up" && lab.has_last_wall());
    CHECK(passes(lab, mac));
    CHECK(web.run(std::string{"ping -c 3 -W 2 "} + Datacenter::gateway).exit_code == 0);
    static_cast<void>(web.run("send-frames eth0 --count 50 --macs 5"));
    lab.require_clean_wire();
    CHECK(lab.stopped().size() == 5);
}

TEST_CASE("a MAC that is deleted in the console leaves the guard after a grace, and a short list changes nothing",
          "[lab]") {
    GuardLab::Options options;
    options.daemon.warm = 0;
    options.daemon.interval = "1s";
    options.daemon.grace = "4s";
    options.daemon.addresses = {"203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8", "203.0.113.9"};
    GuardLab lab{options};
    const auto mac_at = [](std::size_t i) { return "02:00:00:00:72:1" + std::to_string(i); };
    const auto& addresses = options.daemon.addresses;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        lab.lab.provider.edit(addresses[i], boost::json::object{{"mac", mac_at(i)}});
    }
    lab.start_daemon();
    for (std::size_t i = 0; i < addresses.size(); ++i) AWAIT(lab, passes(lab, mac_at(i)));

    SECTION("one") {
        const auto reads = lab.lab.provider.reads();
        lab.lab.provider.edit(addresses[0], boost::json::object{{"mac", nullptr}});
        const auto deleted = Clock::now();
        REQUIRE(wait_until([&] { return lab.lab.provider.reads() > reads + 1; }, 20s));
        CHECK(passes(lab, mac_at(0)));
        AWAIT(lab, !passes(lab, mac_at(0)));
        CHECK(Clock::now() - deleted >= 4s);
        for (std::size_t i = 1; i < addresses.size(); ++i) CHECK(passes(lab, mac_at(i)));
    }
    SECTION("more than half") {
        for (std::size_t i = 0; i < 3; ++i) lab.lab.provider.edit(addresses[i], boost::json::object{{"mac", nullptr}});
        AWAIT(lab, lab.lab.log().find("guard-list-doubted") != std::string::npos);
        const auto begin = Clock::now();
        REQUIRE(wait_until([&] { return Clock::now() - begin > 7s; }, 10s));  // more than a grace
        for (std::size_t i = 0; i < addresses.size(); ++i) CHECK(passes(lab, mac_at(i)));
        CHECK(count(lab.lab.log(), "guard-list-doubted") == 1);
    }
}
