// The daemon's own troubles: killed, reloaded, alone without its provider, beside others.
#include "lab/libvirt/daemon_lab.hpp"
#include "runtime/daemon_client.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace fip;
using namespace fip::test;

namespace {

IdleGuest numbered(int number) {
    IdleGuest guest;
    guest.name = "web" + std::to_string(number);
    guest.uuid = numbered_uuid(number);
    return guest;
}

std::string socket_of(const DaemonLab& lab) {
    return lab.host.path("/run/failover-ip/libvirt.sock");
}

}  // namespace

TEST_CASE("what was defined while the daemon was away is served when it comes back", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    lab.kill_daemon();
    lab.host.define(numbered(2).xml());
    lab.start_daemon();
    AWAIT(lab, lab.is_served("web2"));
    CHECK(lab.is_served("web1"));
}

TEST_CASE("a guest is served from the warm stock while the provider does not answer", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    AWAIT(lab, std::ranges::count(lab.rows(), LeaseState::warm, &Lease::state) == 1);
    lab.provider.kill();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.held() == 1 && lab.macs("web1").at(0) == lab.held_by("web1").at(0).mac->text());
    lab.host.undefine("web1");
    AWAIT(lab, lab.held() == 0);
    lab.host.define(numbered(2).xml());
    lab.provider.restart();
    AWAIT(lab, lab.is_served("web2"));
}

TEST_CASE("events go on while a call to the provider hangs, and the daemon ends within two seconds", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    AWAIT(lab, std::ranges::count(lab.rows(), LeaseState::warm, &Lease::state) == 1);
    lab.provider.set({{"latency_ms", 60'000}});
    REQUIRE(runtime::ask(socket_of(lab), "poke", 1s) == "ok");
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.held() == 1 && lab.macs("web1").at(0) == lab.held_by("web1").at(0).mac->text());
    CHECK(runtime::ask(socket_of(lab), "ping", 200ms) == "ok");
    const auto begin = std::chrono::steady_clock::now();
    CHECK(lab.stop_daemon().exit_code == 0);
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("the socket answers whatever libvirt does, and refuses what it does not know", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto socket = socket_of(lab);
    CHECK(runtime::ask(socket, "look " + numbered_uuid(1), 1s) == "ok");
    CHECK(runtime::ask(socket, "look nobody", 1s) == "not a guest's id");
    CHECK(runtime::ask(socket, "shutdown", 1s) == "unknown request");
    CHECK_FALSE(runtime::ask(socket, std::string(10'000, 'x'), 1s) == "ok");
    CHECK(runtime::ask(socket, "ping", 200ms) == "ok");
    // libvirtd does not answer any more, but its connections stay open.
    REQUIRE(lab.host.exec({"pkill", "-STOP", "libvirtd"}).exit_code == 0);
    CHECK(runtime::ask(socket, "look " + numbered_uuid(1), 1s) == "ok");
    CHECK(runtime::ask(socket, "ping", 200ms) == "ok");
    const auto begin = std::chrono::steady_clock::now();
    CHECK(lab.stop_daemon().exit_code == 0);
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
    REQUIRE(lab.host.exec({"pkill", "-CONT", "libvirtd"}).exit_code == 0);
}

TEST_CASE("a second daemon refuses to start, and comparing once beside the daemon does no harm", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto second = lab.host.exec({FIP_BIN "/failover-ip-libvirt"});
    CHECK(second.exit_code != 0);
    CHECK(second.err.find("another daemon is running") != std::string::npos);
    for (int i = 1; i <= 3; ++i) {
        lab.host.define(numbered(i).xml());
        auto one = lab.host.spawn({FIP_BIN "/failover-ip-libvirt", "--once"});
        auto two = lab.host.spawn({FIP_BIN "/failover-ip-libvirt", "--once"});
        CHECK(one.wait(60s)->exit_code == 0);
        CHECK(two.wait(60s)->exit_code == 0);
    }
    for (const auto* name : {"web1", "web2", "web3"}) AWAIT(lab, lab.is_served(name));
    CHECK(lab.held() == 3);
}

TEST_CASE("SIGHUP takes a good configuration and keeps the old one when the new one is bad", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.write("/etc/failover-ip/config.toml", "[poools]\n", 0600);
    lab.reload();
    AWAIT(lab, lab.log().find("reload-refused") != std::string::npos);
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    lab.options.hostname = "{name}.vm.example.com";
    lab.write_config();
    lab.reload();
    AWAIT(lab, lab.log().find("reloaded") != std::string::npos);
    AWAIT(lab, lab.is_served("web1") && lab.held_by("web1").at(0).hostname == "web1.vm.example.com");
    lab.host.undefine("web1");
    AWAIT(lab, lab.is_all_given_back());
    CHECK(lab.stop_daemon().exit_code == 0);
}

TEST_CASE("two programs that both want the last word do not spin", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    IdleGuest guest = numbered(1);
    guest.interfaces = {bridge_nic("52:54:00:00:00:01")};
    for (int i = 0; i < 25; ++i) {
        lab.host.define(guest.xml());
        std::this_thread::sleep_for(50ms);  // the other program's pace
    }
    AWAIT(lab, lab.log().find("another program keeps changing it back") != std::string::npos);
    const auto log = lab.log();
    std::size_t written = 0;
    for (auto at = log.find("mac-written"); at != log.npos; at = log.find("mac-written", at + 1)) ++written;
    CHECK(written <= 10);
    CHECK(lab.held() == 1);
}

TEST_CASE("a guest with a hostile name is one line of the log, and valid JSON", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    IdleGuest guest = numbered(1);
    guest.name = "we{b}&quot;1&apos;\xC3\xA9\xE2\x80\xAE";
    lab.host.define(guest.xml());
    AWAIT(lab, lab.log().find("\\u{202e}") != std::string::npos);
    CHECK(lab.log().find("\xE2\x80\xAE") == std::string::npos);
    const auto listed = lab.once({"--dry-run", "--json"});
    CHECK(listed.exit_code == 0);
    const auto report = boost::json::parse(listed.out).as_object();
    CHECK(report.at("guests").as_array().at(0).at("name") == "we{b}\"1'\xC3\xA9\xE2\x80\xAE");
    CHECK(report.at("guests").as_array().at(0).at("nics").as_array().at(0).at("problem").is_null());
}

TEST_CASE("a guest whose definition is beyond us is left alone, and the others are served", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    IdleGuest guest = numbered(1);
    std::string deep = "<deep xmlns='urn:example'>";
    for (int i = 0; i < 100; ++i) deep += "<d>";
    for (int i = 0; i < 100; ++i) deep += "</d>";
    guest.metadata = deep + "</deep>";
    lab.host.define(guest.xml());
    const auto before = lab.host.inactive_xml("web1");
    lab.host.define(numbered(2).xml());
    AWAIT(lab, lab.is_served("web2"));
    CHECK(lab.once({}).exit_code == 1);
    lab.host.undefine("web2");
    AWAIT(lab, lab.held() == 0);
    CHECK(lab.daemon().is_running());
    CHECK(lab.log().find("guest-unreadable") != std::string::npos);
    CHECK(lab.host.inactive_xml("web1") == before);
}

TEST_CASE("containers are served beside virtual machines", "[lab]") {
    DaemonLab lab;
    if (lab.host.exec({"virsh", "-q", "-c", "lxc:///system", "list"}).exit_code != 0) {
        WARN("SKIPPED: this machine's libvirt has no LXC driver");
        return;
    }
    lab.options.libvirt_uris = R"(["qemu:///system", "lxc:///system"])";
    lab.write_config();
    lab.start_daemon();
    const std::string container =
        "<domain type='lxc'><name>ct1</name><uuid>" + numbered_uuid(7) +
        "</uuid><memory unit='MiB'>16</memory><os><type>exe</type><init>/bin/sh</init></os><devices>" + bridge_nic() +
        "<console type='pty'/></devices></domain>";
    REQUIRE(lab.host.exec({"virsh", "-q", "-c", "lxc:///system", "define", "/dev/stdin"}, container).exit_code == 0);
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1") && lab.held_by("ct1").size() == 1 && lab.held_by("ct1").at(0).mac);
    const auto mac = lab.held_by("ct1").at(0).mac->text();
    AWAIT(lab, lab.host.exec({"virsh", "-c", "lxc:///system", "dumpxml", "ct1"}).out.find(mac) != std::string::npos);
    REQUIRE(lab.host.exec({"virsh", "-c", "lxc:///system", "undefine", "ct1"}).exit_code == 0);
    AWAIT(lab, lab.held() == 1);
    CHECK(lab.is_served("web1"));
}

TEST_CASE("a configuration or token that cannot be used is refused in a few clear lines", "[lab]") {
    DaemonLab lab;
    SECTION("readable by others") {
        lab.host.write("/etc/failover-ip/dedibox.token", lab.provider.token(), 0644);
        const auto refused = lab.host.exec({FIP_BIN "/failover-ip-libvirt"});
        CHECK(refused.exit_code == 2);
        CHECK(refused.err.find("dedibox.token") != std::string::npos);
        CHECK(refused.err.find(lab.provider.token()) == std::string::npos);
    }
    SECTION("two mistakes at once") {
        lab.host.write("/etc/failover-ip/config.toml", "[hosst]\n[reconcile]\ninterval = 5\n", 0600);
        const auto refused = lab.host.exec({FIP_BIN "/failover-ip-libvirt"});
        CHECK(refused.exit_code == 2);
        CHECK(refused.err.find("hosst") != std::string::npos);
        CHECK(refused.err.find("interval") != std::string::npos);
    }
    SECTION("wrong usage") {
        CHECK(lab.host.exec({FIP_BIN "/failover-ip-libvirt", "--dry-run"}).exit_code == 2);
        CHECK(lab.host.exec({FIP_BIN "/failover-ip-libvirt", "--what"}).exit_code == 2);
        CHECK(lab.host.exec({FIP_BIN "/failover-ip-libvirt", "--version"}).exit_code == 0);
    }
}
