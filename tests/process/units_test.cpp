#include "host_network.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string guard_unit = "failover-ip-guard.service";
const std::string daemon_unit = "failover-ip-libvirt.service";
const std::string watcher_unit = "failover-ip-proxmox.service";

std::string unit_text(const std::string& unit) {
    const std::string folder = unit == watcher_unit ? FIP_PVE_UNIT_DIR : FIP_UNIT_DIR;
    return read_file(folder + "/" + unit);
}

/// All values of a setting, one per line of the unit.
std::vector<std::string> settings(const std::string& unit, const std::string& key) {
    std::vector<std::string> values;
    std::istringstream lines{unit_text(unit)};
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(key + "=", 0) == 0) values.push_back(line.substr(key.size() + 1));
    }
    return values;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream in{text};
    std::vector<std::string> result;
    for (std::string word; in >> word;) result.push_back(word);
    return result;
}

/// One of the setting's values has this word.
bool says(const std::string& unit, const std::string& key, const std::string& value) {
    for (const auto& line : settings(unit, key)) {
        for (const auto& word : words(line)) {
            if (word == value) return true;
        }
    }
    return false;
}

/// Its ExecStart with our binaries, and with the capabilities that the unit leaves it.
std::vector<std::string> command_of(const std::string& unit) {
    std::string bounding = "-all";
    for (const auto& capability : words(settings(unit, "CapabilityBoundingSet").at(0))) {
        bounding += ",+";
        for (const char c : capability.substr(4))
            bounding += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    std::vector<std::string> argv{"/usr/bin/setpriv", "--bounding-set", bounding, "--no-new-privs", "--"};
    auto start = words(settings(unit, "ExecStart").at(0));
    start.front() = std::string{FIP_BIN_DIR} + start.front().substr(start.front().rfind('/'));
    argv.insert(argv.end(), start.begin(), start.end());
    return argv;
}

struct Bridged : CliHost {
    Bridged() { configure(manual_config("uplinks = [\"up0\"]\n")); }
    [[nodiscard]] std::string ruleset() const { return network.nft({"list", "ruleset"}).out; }
    HostNetwork network{*this};
};

}  // namespace

TEST_CASE("systemd understands every line of the units", "[units]") {
    const CliHost host;
    Command verify{{"systemd-analyze", "verify", "--man=no"}};
    for (const auto& unit : {guard_unit, daemon_unit, watcher_unit}) {
        auto text = unit_text(unit);
        const auto program = settings(unit, "ExecStart").at(0).substr(0, settings(unit, "ExecStart").at(0).find(' '));
        const auto built = std::string{FIP_BIN_DIR} + program.substr(program.rfind('/'));
        text.replace(text.find("=" + program) + 1, program.size(), built);
        write_file(host.path(unit), text);
        verify.argv.push_back(host.path(unit));
    }
    const auto result = run(verify);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());  // an unknown setting is a warning only
}

TEST_CASE("the guard comes up before the network, after what empties nftables, and stays", "[units]") {
    const auto has = [](const std::string& key, const std::string& value) { return says(guard_unit, key, value); };
    CHECK(has("Before", "network-pre.target"));
    CHECK(has("Wants", "network-pre.target"));
    CHECK(has("After", "nftables.service"));
    CHECK(has("After", "local-fs.target"));
    CHECK(has("DefaultDependencies", "no"));  // else it would wait for units that wait for the network
    CHECK(has("RemainAfterExit", "yes"));
    CHECK(settings(guard_unit, "ExecStop").empty());
}

TEST_CASE("a Proxmox node's watcher is there before its guests start, and leaves their programs alone", "[units]") {
    CHECK(says(watcher_unit, "After", "pve-cluster.service"));
    CHECK(says(watcher_unit, "After", "failover-ip-guard.service"));
    CHECK(says(watcher_unit, "Before", "pve-guests.service"));
    CHECK(says(watcher_unit, "KillMode", "mixed"));  // else `qm set` is ended in the middle
    for (const auto* narrowing :
         {"NoNewPrivileges", "ProtectSystem", "PrivateTmp", "PrivateDevices", "CapabilityBoundingSet", "UMask"}) {
        CAPTURE(narrowing);
        CHECK(settings(watcher_unit, narrowing).empty());
    }
}

TEST_CASE("what the boot unit executes raises the guard, with the capabilities it has", "[units]") {
    const Bridged host;
    REQUIRE(host.run({"failover-ip", "guard", "down"}).exit_code == 0);
    const auto result = host.run(command_of(guard_unit));
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK_THAT(host.ruleset(), Contains("table bridge failover_ip") && Contains("table netdev failover_ip"));
}

TEST_CASE("at a boot the guard stands before the bridge does, from what was known", "[units]") {
    const Bridged host;
    REQUIRE(host.run(command_of(guard_unit)).exit_code == 0);  // the host has run once
    host.network.ip("link del br0");
    host.network.ip("link del up0");
    REQUIRE(host.network.nft({"flush", "ruleset"}).exit_code == 0);
    CHECK(host.run(command_of(guard_unit)).exit_code == 0);
    CHECK_THAT(host.ruleset(), Contains("table bridge failover_ip") && Contains(host_mac));
}

TEST_CASE("the daemon keeps the guard and names senders, with the capabilities its unit leaves it", "[units]") {
    const Bridged host;
    auto daemon = host.start(command_of(daemon_unit));
    const auto has_said = [&](const std::string& text) {
        return wait_until([&] { return daemon.err().find(text) != std::string::npos; }, 10s);
    };
    REQUIRE(has_said("the guard is up at up0"));
    REQUIRE(host.network.nft({"delete", "table", "bridge", "failover_ip"}).exit_code == 0);
    CHECK(wait_until([&] { return host.ruleset().find("table bridge failover_ip") != std::string::npos; }, 5s));

    // A process of another user, in a network namespace of its own: when its link comes up, its kernel speaks.
    Process other{{.argv = {"unshare", "--net", "--", "setpriv", "--reuid", "65534", "--regid", "65534",
                            "--clear-groups", "--", "bash", "-c", "echo ready && exec -a stranger sleep infinity"}}};
    REQUIRE(wait_until([&] { return other.out() == "ready\n"; }, 10s));
    const auto inside = std::to_string(other.pid());
    host.network.ip("link add p0 type veth peer name g0 netns " + inside);
    host.network.ip("link set p0 master br0 up");
    const auto up = run({.argv = {"nsenter", "--net=/proc/" + inside + "/ns/net", "ip", "link", "set", "g0", "up"}});
    REQUIRE(up.exit_code == 0);
    CHECK(has_said("process sleep (p0, pid " + inside));
    CAPTURE(daemon.err());
    CHECK(daemon.stop().exit_code == 0);
}
