// The guard on a node's vmbr0: containers and VMs behind veths, taps and Proxmox' firewall bridges.
#include "pve_lab.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

constexpr int frames = 50;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Frames that have left by the uplink.
long left(const PveLab& lab) {
    return std::stol(lab.node.read("/sys/class/net/eno1/statistics/tx_packets"));
}

/// A running container that sends frames with this MAC by its eth0.
void send(PveLab& lab, int vmid, const std::string& mac) {
    const auto pids =
        lab.node.read("/var/lib/lxc/" + std::to_string(vmid) + "/pids");  // its monitor, its first process
    const auto pid = pids.substr(pids.find(' ') + 1, pids.find('\n') - pids.find(' ') - 1);
    const auto sent = lab.node.run({"nsenter", "-t", pid, "-n", FIP_SEND_FRAMES, "eth0", "--count",
                                    std::to_string(frames), "--mac", mac, "--ethertypes", "0x88b5", "--into-wall"});
    INFO(sent.out << sent.err);
    REQUIRE(sent.exit_code == 0);
}

void check_guarded(const std::string& more_of_net) {
    PveLab::Options options;
    options.pool_lines = "uplinks = [\"eno1\"]\n";
    PveLab lab{options};
    lab.start_watcher();
    lab.node.must({"pct", "create", "200", "local:vztmpl/debian-12.tar.zst", "--hostname", "ct1", "--net0",
                   "name=eth0,bridge=vmbr0" + more_of_net});
    PVE_AWAIT(lab, lab.is_served(200, "ct1"));
    PVE_AWAIT(lab, has(lab.log(), "the guard is up"));
    lab.node.must({"pct", "start", "200"});
    PVE_AWAIT(lab, lab.node.pid_of(200) != 0);

    const auto before = left(lab);
    send(lab, 200, "02:00:00:00:00:66");
    CHECK(left(lab) - before < frames / 2);  // neighbour discovery of the container itself may add some
    const auto status = [&] { return lab.node.run({FIP_BIN "/failover-ip", "guard", "status", "--json"}).out; };
    PVE_AWAIT(lab, has(status(), "02:00:00:00:00:66"));
    INFO(status());
    CHECK(has(status(), "200"));
    const auto own = lab.mac(200);
    const auto good_before = left(lab);
    send(lab, 200, own);
    CHECK(left(lab) - good_before >= frames);
}

}  // namespace

TEST_CASE("a container's foreign frames never leave the node, its own do") {
    PVE_NODE_OR_SKIP();
    SECTION("on the bridge") {
        check_guarded("");
    }
    SECTION("behind Proxmox' firewall bridge") {
        check_guarded(",firewall=1");
    }
}

TEST_CASE("frames from an SDN VNet that is plugged into vmbr0 are held there, too") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.pool_lines = "uplinks = [\"eno1\"]\n";
    PveLab lab{options};
    // As a VLAN zone makes it on a bridge that knows no VLANs (PVE::Network::SDN::Zones::VlanPlugin).
    for (const auto* words : {"add vnet1 type bridge", "add ln_vnet1 type veth peer name pr_vnet1",
                              "set ln_vnet1 master vnet1 up", "set pr_vnet1 master vmbr0 up", "set vnet1 up"}) {
        lab.node.must({"/bin/sh", "-c", std::string{"ip link "} + words});
    }
    lab.start_watcher();
    PVE_AWAIT(lab, has(lab.log(), "the guard is up"));
    lab.node.must({"pct", "create", "200", "local:vztmpl/debian-12.tar.zst", "--hostname", "ct1", "--net0",
                   "name=eth0,bridge=vnet1"});
    lab.node.must({"pct", "start", "200"});
    PVE_AWAIT(lab, lab.node.pid_of(200) != 0);
    const auto before = left(lab);
    send(lab, 200, "02:00:00:00:00:66");
    CHECK(left(lab) - before < frames / 2);
    const auto status = [&] { return lab.node.run({FIP_BIN "/failover-ip", "guard", "status", "--json"}).out; };
    PVE_AWAIT(lab, has(status(), "02:00:00:00:00:66"));
    CHECK(lab.held() == 0);
}

TEST_CASE("a start that overtook the watcher sends nothing before it has its MAC") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.pool_lines = "uplinks = [\"eno1\"]\n";
    PveLab lab{options};
    lab.start_watcher();
    PVE_AWAIT(lab, has(lab.log(), "the guard is up"));
    lab.kill_watcher();
    lab.node.must({"pct", "create", "200", "local:vztmpl/debian-12.tar.zst", "--hostname", "ct1", "--net0",
                   "name=eth0,bridge=vmbr0"});
    lab.node.must({"pct", "start", "200"});
    const auto wrong = lab.mac(200);
    const auto before = left(lab);
    send(lab, 200, wrong);
    CHECK(left(lab) - before < frames / 2);
    lab.start_watcher();
    PVE_AWAIT(lab, lab.is_served(200, "ct1"));
    CHECK(lab.mac(200) != wrong);
}
