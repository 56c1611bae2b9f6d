#include "cli_golden.hpp"
#include "host_network.hpp"
#include "support/wait_until.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <csignal>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto web_mac = "02:00:00:00:00:05";

/// A host with a bridge, and a guest whose MAC may leave.
struct Bridged : CliHost {
    explicit Bridged(const std::string& more_of_pool = "") {
        configure(manual_config("uplinks = [\"up0\"]\n" + more_of_pool));
        Lease lease;
        lease.address = Address::parse("203.0.113.5");
        lease.provider = "hand";
        lease.pool = "public";
        lease.state = LeaseState::active;
        lease.guest = GuestId{GuestKind::libvirt, "4dea22b3-1d52-48f3-9516-782e98a23fa0"};
        lease.guest_name = "web1";
        lease.origin = "host/qemu";
        lease.slot = "0";
        lease.mac = Mac::parse(web_mac);
        put(lease);
    }
    [[nodiscard]] Result guard(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"failover-ip", "guard"});
        return run(std::move(arguments));
    }
    /// What the kernel has of ours, as nft itself tells it.
    [[nodiscard]] std::string ruleset() const { return network.nft({"list", "ruleset"}).out; }
    [[nodiscard]] bool stands() const {
        return network
                   .nft({"get", "element", "bridge", "failover_ip", "registered",
                         "{ up0 . " + std::string{web_mac} + " }"})
                   .exit_code == 0;
    }

    HostNetwork network{*this};
};

void remember_senders(const Bridged& host) {
    host.store().write([](Rows& rows) {
        BlockedSender guest;
        guest.uplink = "up0";
        guest.port = "vnet3";
        guest.mac = Mac::parse("02:00:00:00:66:66");
        guest.kind = "guest";
        guest.name = "web\x1b[31m1";
        guest.detail = "net0";
        guest.frames = 1234;
        guest.first = WallTime{std::chrono::seconds{1714979289}};
        guest.last = WallTime{std::chrono::seconds{1714979389}};
        rows.guard.put(guest);
        BlockedSender process;
        process.uplink = "up0";
        process.mac = Mac::parse("02:00:00:00:66:67");
        process.is_raw = true;
        process.kind = "process";
        process.name = "lldpd";
        process.detail = "pid 812, raw socket on up0";
        process.frames = 1;
        process.first = process.last = WallTime{std::chrono::seconds{1714979290}};
        rows.guard.put(process);
    });
}

}  // namespace

TEST_CASE("guard up stands in the kernel, also when it is said again", "[cli][guard]") {
    const Bridged host;
    for (int i = 0; i < 2; ++i) {
        const auto up = host.guard({"up"});
        CHECK(up.exit_code == 0);
        CHECK(up.out == "br0: up\n");
        CHECK(up.err.empty());
        CHECK_THAT(host.ruleset(), Contains("table bridge failover_ip") && Contains("table netdev failover_ip") &&
                                       Contains(web_mac) && Contains(host_mac));
    }
}

TEST_CASE("guard down takes it away, also when it is said again, and says what that means", "[cli][guard]") {
    const Bridged host;
    REQUIRE(host.guard({"up"}).exit_code == 0);
    for (int i = 0; i < 2; ++i) {
        const auto down = host.guard({"down"});
        CHECK(down.exit_code == 0);
        CHECK(down.out.empty());
        CHECK_THAT(down.err, Contains("unknown MACs may leave") && Contains("failover-ip guard up"));
        CHECK_THAT(host.ruleset(), !Contains("failover_ip"));
    }
    CHECK(host.guard({"up"}).exit_code == 0);
    CHECK_THAT(host.ruleset(), Contains(web_mac));
}

TEST_CASE("what was stopped is still counted when the guard is down", "[cli][guard]") {
    const Bridged host;
    REQUIRE(host.guard({"up"}).exit_code == 0);
    const auto sent = host.run({FIP_SEND_FRAMES, "br0", "--count", "3", "--mac", "02:00:00:00:66:66", "--into-wall"});
    CAPTURE(sent.err);
    REQUIRE(sent.exit_code == 0);
    const auto down = host.guard({"down", "--json"});
    CHECK(down.exit_code == 0);
    const auto blocked = boost::json::parse(down.out).at("blocked");
    CAPTURE(down.out);
    REQUIRE(blocked.as_array().size() == 1);
    CHECK(blocked.at(0).at("mac") == "02:00:00:00:66:66");
    CHECK(blocked.at(0).at("frames").as_int64() == 3);
}

TEST_CASE("guard status tells what stands and who was stopped, as a table and as JSON", "[cli][guard]") {
    const Bridged host;
    check_golden("guard_down.txt", host.guard({"status"}).out);
    REQUIRE(host.guard({"up"}).exit_code == 0);
    check_golden("guard_up.txt", host.guard({"status"}).out);
    remember_senders(host);
    const auto status = host.guard({"status"});
    CHECK(status.exit_code == 0);
    CHECK(status.err.empty());
    check_golden("guard_stopped.txt", status.out);
    check_golden("guard_stopped.json", host.guard({"status", "--json"}).out);
    REQUIRE(host.guard({"down"}).exit_code == 0);
    check_golden("guard_taken_down.txt", host.guard({"status"}).out);
}

TEST_CASE("up and down tell the same as status in JSON", "[cli][guard]") {
    const Bridged host;
    const auto up = host.guard({"up", "--json"});
    CHECK(up.exit_code == 0);
    CHECK(up.err.empty());
    CHECK(up.out == host.guard({"status", "--json"}).out);
    CHECK(boost::json::parse(up.out).at("state") == "up");
    CHECK(boost::json::parse(up.out).at("taken_down") == false);
    const auto down = host.guard({"down", "--json"});
    CHECK(down.exit_code == 0);
    CHECK(down.out == host.guard({"status", "--json"}).out);
    CHECK(boost::json::parse(down.out).at("state") == "down");
    CHECK(boost::json::parse(down.out).at("taken_down") == true);
}

TEST_CASE("a dry run of the guard changes nothing", "[cli][guard]") {
    const Bridged host;
    const auto up = host.guard({"up", "--dry-run"});
    CHECK(up.exit_code == 0);
    CHECK(up.out == "up0 would be guarded (br0)\n");
    CHECK(host.ruleset().empty());
    REQUIRE(host.guard({"up"}).exit_code == 0);
    const auto down = host.guard({"down", "--dry-run"});
    CHECK(down.exit_code == 0);
    CHECK(down.out == "up0 would be without a guard (br0)\n");
    CHECK(host.stands());
    CHECK(boost::json::parse(host.guard({"status", "--json"}).out).at("taken_down") == false);
}

TEST_CASE("a dry run of the guard tells programs what its status would be", "[cli][guard]") {
    const Bridged host;
    const auto up = host.guard({"up", "--dry-run", "--json"});
    CHECK(up.exit_code == 0);
    CHECK(boost::json::parse(up.out).at("state") == "up");
    CHECK(boost::json::parse(host.guard({"status", "--json"}).out).at("state") == "down");
    const auto down = host.guard({"down", "--dry-run", "--json"});
    CHECK(boost::json::parse(down.out).at("state") == "down");
    CHECK(boost::json::parse(down.out).at("taken_down") == true);
}

TEST_CASE("a guard that only observes says so, and one that is off leaves the kernel alone", "[cli][guard]") {
    const Bridged observing{"guard = \"observe\"\n"};
    const auto up = observing.guard({"up"});
    CHECK(up.exit_code == 0);
    CHECK(up.out == "br0: observe\n");
    CHECK_THAT(observing.ruleset(), Contains("failover_ip"));

    const Bridged off{"guard = \"off\"\n"};
    CHECK(off.guard({"up"}).exit_code == 0);
    CHECK(off.guard({"up"}).out == "br0: off\n");
    CHECK(off.ruleset().empty());
}

TEST_CASE("a bridge that wears a foreign MAC keeps the guard down, and is told how to mend it", "[cli][guard]") {
    const Bridged host;
    host.network.ip("link set br0 address 02:00:00:00:00:77");
    const auto up = host.guard({"up"});
    CHECK(up.exit_code == 1);
    CHECK(up.out == "br0: down\n");
    CHECK_THAT(up.err, Contains("the bridge br0 wears 02:00:00:00:00:77") &&
                           Contains("ip link set dev br0 address 02:00:00:00:00:01"));
    CHECK(host.ruleset().empty());
    CHECK_THAT(host.guard({"status"}).out, Contains("ip link set dev br0 address"));

    host.network.ip("link set dev br0 address 02:00:00:00:00:01");
    CHECK(host.guard({"up"}).exit_code == 0);
    CHECK(host.stands());
}

TEST_CASE("an uplink that is not known keeps the guard down, and is told what to name", "[cli][guard]") {
    const Bridged host;
    host.configure(manual_config());  // a veth is no uplink by itself
    const auto up = host.guard({"up"});
    CHECK(up.exit_code == 1);
    CHECK_THAT(up.err, Contains("pools.*.uplinks"));
}

TEST_CASE("a guard at what is no port of the bridge is not up, and is told what to name", "[cli][guard]") {
    const Bridged host;
    REQUIRE(host.guard({"up"}).exit_code == 0);
    host.network.ip("link set up0 nomaster");
    const auto up = host.guard({"up"});
    CHECK(up.exit_code == 1);
    CHECK(up.out == "br0: down\n");
    CHECK_THAT(up.err, Contains("up0 is no port of br0") && Contains("pools.*.uplinks"));
    CHECK_THAT(host.guard({"status"}).out, Contains("down") && Contains("up0 is no port of br0"));
    CHECK(host.stands());  // it may come back
    host.network.ip("link set up0 master br0");
    CHECK(host.guard({"up"}).exit_code == 0);
}

TEST_CASE("without nft the guard is not up, and says which package has it", "[cli][guard]") {
    const Bridged host;
    write_file(host.path("nft"), "");  // nobody may execute it
    const auto up = host.guard({"up"});
    CHECK(up.exit_code == 1);
    CHECK_THAT(up.err, Contains("nftables"));
}

TEST_CASE("wrong usage of the guard is 2, and others than root are told so", "[cli][guard]") {
    const Bridged host;
    for (const auto& words : std::vector<std::vector<std::string>>{
             {}, {"sideways"}, {"up", "now"}, {"up", "--confirm"}, {"status", "--dry-run"}}) {
        const auto result = host.guard(words);
        CHECK(result.exit_code == 2);
        CHECK(result.out.empty());
    }
    for (const auto* verb : {"up", "down", "status"}) {
        const auto result = host.run({"/bin/bash", "-c",
                                      "install -m 755 \"$0\" /run/x && exec setpriv --reuid 65534 --regid 65534 "
                                      "--clear-groups /run/x guard " +
                                          std::string{verb},
                                      host.bring("failover-ip")});
        CHECK(result.exit_code == 1);
        CHECK(result.err == "failover-ip: needs root\n");
    }
    CHECK(host.ruleset().empty());
}

TEST_CASE("the rules of others are left as they are", "[cli][guard]") {
    const Bridged host;
    REQUIRE(host.network.nft({"add", "table", "inet", "mine"}).exit_code == 0);
    REQUIRE(host.network.nft({"add", "chain", "inet", "mine", "input"}).exit_code == 0);
    const auto before = host.ruleset();
    REQUIRE(host.guard({"up"}).exit_code == 0);
    CHECK_THAT(host.ruleset(), Contains(before.substr(0, before.size() - 1)));
    REQUIRE(host.guard({"down"}).exit_code == 0);
    CHECK(host.ruleset() == before);
}

TEST_CASE("taken down by hand the guard stays down, until it is said: up", "[cli][guard]") {
    const Bridged host;
    const auto start = [&] { return host.start({"failover-ip-libvirt"}); };  // without a libvirt it waits for one
    const auto has_said = [](const Process& daemon, const std::string& words) {
        return wait_until([&] { return daemon.err().find(words) != std::string::npos; }, 10s);
    };
    auto daemon = start();
    REQUIRE(has_said(daemon, "the guard is up at up0"));
    REQUIRE(host.stands());

    REQUIRE(host.guard({"down"}).exit_code == 0);
    daemon.signal(SIGHUP);
    CHECK(has_said(daemon, "the guard is down at up0"));
    CHECK(host.run({"failover-ip", "pool", "sync"}).exit_code == 0);
    const auto acquired = host.run({"failover-ip", "lease", "acquire", "--guest", "new"});
    CHECK(acquired.exit_code == 0);
    CHECK(host.ruleset().empty());
    CHECK(daemon.stop().exit_code == 0);

    auto next = start();
    CHECK(has_said(next, "the guard is down at up0"));
    CHECK(host.ruleset().empty());
    CHECK(host.guard({"up"}).exit_code == 0);
    CHECK(host.stands());
    next.signal(SIGHUP);
    CHECK(has_said(next, "the guard is up at up0"));
    CHECK(host.stands());
    CHECK(next.stop().exit_code == 0);
    CHECK(host.stands());  // it needs no process
}

TEST_CASE("where no API lists MACs, one may leave while it is leased", "[cli][guard]") {
    const Bridged host;
    auto daemon = host.start({"failover-ip-libvirt"});
    REQUIRE(wait_until([&] { return host.stands(); }, 10s));
    const auto acquired = host.run({"failover-ip", "lease", "acquire", "--guest", "new"});
    CAPTURE(acquired.err);
    REQUIRE(acquired.exit_code == 0);
    const auto end = acquired.out.find(' ');
    const auto mac = acquired.out.substr(end + 1, 17);
    CHECK(wait_until([&] { return host.ruleset().find(mac) != std::string::npos; }, 10s));
    const auto released = host.run({"failover-ip", "lease", "release", acquired.out.substr(0, end)});
    CAPTURE(released.err);
    REQUIRE(released.exit_code == 0);
    CHECK(wait_until([&] { return host.ruleset().find(mac) == std::string::npos; }, 10s));
    CHECK(host.stands());
}
