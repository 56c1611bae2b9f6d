// The life of a guest as people live it in the web UI: each row of DESIGN.md chapter 5, second table.
#include "pve_lab.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Longer than the watcher needs to see a change, and to act on it.
void let_it_look() {
    std::this_thread::sleep_for(3s);
}

}  // namespace

TEST_CASE("a new VM gets its address, MAC, name and Notes, and gives everything back when it is destroyed") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1", {"--description", "the shop: ask Ann"});
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto lease = lab.held_by("web1").at(0);
    CHECK(lease.slot == "net0");
    CHECK(lease.hostname == "web1.vm.example.com");
    CHECK_THAT(lab.shown(100), Contains("the shop: ask Ann") && Contains(lease.hostname) && Contains("62.210.0.1"));
    CHECK(lab.node.config_value(100, "hookscript").empty());  // nobody has the snippet
    lab.node.must({"qm", "destroy", "100"});
    PVE_AWAIT(lab, lab.is_all_given_back());
    CHECK(lab.held() == 0);
}

TEST_CASE("a container gets its hwaddr, and ip= and gw= where it asks for them with dhcp") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    const auto create = [&](const std::string& vmid, const std::string& name, const std::string& ip) {
        lab.node.must({"pct", "create", vmid, "local:vztmpl/debian-12.tar.zst", "--hostname", name, "--net0",
                       "name=eth0,bridge=vmbr0" + ip});
    };
    create("200", "asks", ",ip=dhcp");
    create("201", "silent", "");
    PVE_AWAIT(lab, lab.is_served(200, "asks") && lab.is_served(201, "silent"));
    const auto asked = lab.node.config_value(200, "net0");
    CHECK_THAT(asked, Contains("ip=" + lab.held_by("asks").at(0).address.text() + "/32") && Contains("gw=62.210.0.1"));
    CHECK_FALSE(has(lab.node.config_value(201, "net0"), "ip="));
    lab.node.must({"pct", "destroy", "200"});
    lab.node.must({"pct", "destroy", "201"});
    PVE_AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("a VM with cloud-init is told its address") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1", {"--ide2", "local:cloudinit", "--ipconfig0", "ip=dhcp,ip6=auto"});
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto address = lab.held_by("web1").at(0).address.text();
    PVE_AWAIT(lab, has(lab.node.config_value(100, "ipconfig0"), "ip=" + address + "/32"));
    CHECK_THAT(lab.node.config_value(100, "ipconfig0"), Contains("gw=62.210.0.1") && Contains("ip6=auto"));
}

TEST_CASE("a clone gets an address of its own, and nothing of the original's is left in it") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1", {"--tags", "shop", "--ide2", "local:cloudinit", "--ipconfig0", "ip=dhcp"});
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto original = lab.held_by("web1").at(0);
    PVE_AWAIT(lab, has(lab.node.config_value(100, "ipconfig0"), original.address.text()));
    lab.node.must({"qm", "clone", "100", "101", "--name", "web2"});
    PVE_AWAIT(lab, lab.is_served(101, "web2"));
    const auto copy = lab.held_by("web2").at(0);
    CHECK(copy.address != original.address);
    const auto text = *lab.node.config(101);
    CAPTURE(text);
    CHECK_FALSE(has(text, original.address.text()));
    CHECK(has(lab.node.config_value(101, "ipconfig0"), copy.address.text()));
    CHECK(has(lab.node.config_value(101, "tags"), "shop"));
    CHECK(lab.is_served(100, "web1"));
    CHECK(lab.held_by("web1").at(0).address == original.address);
}

TEST_CASE("a backup that is restored beside its living original gets an address of its own") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto original = lab.held_by("web1").at(0);
    const std::string backup = "/var/lib/vz/dump/100.vma";  // the simulator's are the config alone
    lab.node.must({"cp", "/etc/pve/qemu-server/100.conf", backup});
    lab.node.must({"qmrestore", backup, "105"});
    PVE_AWAIT(lab, lab.held() == 2 && !lab.mac(105).empty() && lab.mac(105) != lab.mac(100));
    CHECK(lab.mac(100) == original.mac->text());
    const auto all = lab.held_by("web1");  // both have the name
    REQUIRE(all.size() == 2);
    CHECK(all[0].mac != all[1].mac);
    PVE_AWAIT(lab, lab.is_nothing_leaked());
}

TEST_CASE("restored over itself a guest keeps its address") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto before = lab.held_by("web1").at(0);
    const std::string backup = "/var/lib/vz/dump/100.vma";  // the simulator's are the config alone
    lab.node.must({"cp", "/etc/pve/qemu-server/100.conf", backup});
    lab.node.must({"qm", "set", "100", "--memory", "128"});
    lab.node.must({"qmrestore", backup, "100", "--force"});
    let_it_look();
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    CHECK(lab.held_by("web1").at(0).address == before.address);
    CHECK(lab.held_by("web1").at(0).mac == before.mac);
    CHECK_FALSE(has(lab.log(), "lease-ended"));
}

TEST_CASE("a rollback to before the address brings the MAC back, and it is put right") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.create(100, "web1", {"--tags", "shop"});
    lab.node.must({"qm", "snapshot", "100", "before"});
    lab.start_watcher();
    REQUIRE(lab.node.run({FIP_BIN "/failover-ip-proxmox", "watch", "--once", "--reconcile"}).exit_code == 0);
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto lease = lab.held_by("web1").at(0);
    lab.node.must({"qm", "rollback", "100", "before"});
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    CHECK(lab.held_by("web1").at(0).address == lease.address);
    CHECK(lab.held_by("web1").at(0).mac == lease.mac);
    CHECK(has(*lab.node.config(100), "[before]"));
}

TEST_CASE("a template gives its address back, and its clones get their own") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "golden");
    PVE_AWAIT(lab, lab.is_served(100, "golden"));
    lab.node.must({"qm", "template", "100"});
    PVE_AWAIT(lab, lab.is_all_given_back());
    PVE_AWAIT(lab, !has(*lab.node.config(100), "fip-"));
    CHECK_FALSE(has(lab.shown(100), "failover-ip"));
    lab.node.must({"qm", "clone", "100", "101", "--name", "web1"});
    PVE_AWAIT(lab, lab.is_served(101, "web1"));
    CHECK(lab.held() == 1);
}

TEST_CASE("a VMID that is destroyed and made again within a second has another guest") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "old");
    PVE_AWAIT(lab, lab.is_served(100, "old"));
    const auto old = lab.held_by("old").at(0);
    lab.node.must({"sh", "-c", "qm destroy 100 && qm create 100 --name new --net0 virtio,bridge=vmbr0 --memory 64"});
    PVE_AWAIT(lab, lab.is_served(100, "new"));
    CHECK(lab.held_by("old").empty());
    CHECK(lab.held_by("new").at(0).guest != old.guest);
    PVE_AWAIT(lab, lab.is_nothing_leaked());
}

TEST_CASE("a VMID that goes from a VM to a container at once gives the VM's address back") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "old");
    lab.create(101, "stays");
    PVE_AWAIT(lab, lab.is_served(100, "old") && lab.is_served(101, "stays"));
    lab.node.must(
        {"sh", "-c", "qm destroy 100 && pct create 100 local:vztmpl/x --hostname new --net0 name=eth0,bridge=vmbr0"});
    PVE_AWAIT(lab, lab.held_by("old").empty() && lab.is_served(100, "new"));
    PVE_AWAIT(lab, lab.is_nothing_leaked());
}

TEST_CASE("a VM that loses its uuid is still the same guest") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.install_snippet();
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1") && !lab.node.config_value(100, "hookscript").empty());
    const auto lease = lab.held_by("web1").at(0);
    lab.node.must({"qm", "set", "100", "--smbios1", "manufacturer=ZXhhbXBsZQ==,base64=1"});
    std::this_thread::sleep_for(3s);
    CHECK(lab.is_served(100, "web1"));
    lab.kill_watcher();
    CHECK(lab.node.run({"qm", "start", "100"}).exit_code == 0);
    lab.start_watcher();
    std::this_thread::sleep_for(2s);
    CHECK(lab.is_served(100, "web1"));
    CHECK(lab.held_by("web1").at(0).address == lease.address);
    CHECK(lab.held() == 1);
    lab.node.must({"qm", "stop", "100"});
    lab.node.must({"qm", "destroy", "100"});
    PVE_AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("NICs that come and go get and give back addresses, one by one") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto first = lab.held_by("web1").at(0);
    lab.node.must({"qm", "set", "100", "--net2", "e1000,bridge=vmbr0"});
    PVE_AWAIT(lab, lab.held_by("web1").size() == 2 && lab.mac(100, 2) == lab.held_by("web1").at(1).mac->text());
    CHECK(lab.held_by("web1").at(1).slot == "net2");
    CHECK_THAT(lab.node.config_value(100, "net2"), Contains("e1000="));
    lab.node.must({"qm", "set", "100", "--delete", "net2"});
    PVE_AWAIT(lab, lab.held_by("web1").size() == 1);
    CHECK(lab.held_by("web1").at(0).address == first.address);
    lab.node.must({"qm", "set", "100", "--net0", "virtio=" + lab.mac(100) + ",bridge=vmbr1"});
    PVE_AWAIT(lab, lab.held() == 1 || lab.held() == 0);
    CHECK(lab.is_nothing_leaked());
}

TEST_CASE("whoever is not managed is never written to") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "tagged", {"--net0", "virtio,bridge=vmbr0,tag=20"});
    lab.create(101, "inside", {"--net0", "virtio,bridge=vmbr1"});
    lab.create(102, "lonely", {"--net0", "virtio"});
    std::vector<std::string> before;
    for (const int vmid : {100, 101, 102}) before.push_back(*lab.node.config(vmid));
    let_it_look();
    for (const int vmid : {100, 101, 102}) {
        CHECK(*lab.node.config(vmid) == before.at(static_cast<std::size_t>(vmid - 100)));
    }
    CHECK(lab.held() == 0);
}

TEST_CASE("guests that were there before us are left as they are until a person says reconcile") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.create(100, "web1");
    const auto before = *lab.node.config(100);
    lab.start_watcher();
    PVE_AWAIT(lab, has(lab.log(), "failover-ip reconcile"));
    let_it_look();
    CHECK(*lab.node.config(100) == before);
    const auto done = lab.node.run({FIP_BIN "/failover-ip", "reconcile"});
    INFO(done.out << done.err);
    CHECK(done.exit_code == 0);
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
}

TEST_CASE("a guest that waits for an address says so in its Notes, and gets the next that is free") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.addresses = {"203.0.113.5"};
    PveLab lab{options};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    lab.create(101, "web2");
    PVE_AWAIT(lab, has(lab.shown(101), "waiting"));
    lab.node.must({"qm", "destroy", "100"});
    PVE_AWAIT(lab, lab.is_served(101, "web2"));
    CHECK_FALSE(has(lab.shown(101), "waiting"));
}

TEST_CASE("with notes = false the config shows nothing but the MAC") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.proxmox = "notes = false";
    PveLab lab{options};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.held_by("web1").size() == 1 && lab.held_by("web1").at(0).mac &&
                       lab.mac(100) == lab.held_by("web1").at(0).mac->text());
    let_it_look();
    CHECK(lab.node.config_value(100, "tags").empty());
    CHECK(lab.shown(100).empty());
    lab.options.proxmox = "notes = true";
    lab.write_config();
    lab.reload();
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
}

TEST_CASE("the ipfilter set of a guest has its addresses, on request") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.proxmox = "ipfilter = true";
    PveLab lab{options};
    lab.start_watcher();
    lab.node.write("/etc/pve/firewall/100.fw", "[OPTIONS]\n\nenable: 1\n");
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto address = lab.held_by("web1").at(0).address.text();
    const auto rules = [&] {
        return lab.node.exists("/etc/pve/firewall/100.fw") ? lab.node.read("/etc/pve/firewall/100.fw") : std::string{};
    };
    PVE_AWAIT(lab, has(rules(), "[IPSET ipfilter-net0]") && has(rules(), address));
    CHECK(has(rules(), "[OPTIONS]\n\nenable: 1\n"));
    CHECK_FALSE(lab.node.exists("/etc/pve/priv/lock/firewall-vm-100"));
    lab.options.proxmox = "ipfilter = false";
    lab.write_config();
    lab.reload();
    PVE_AWAIT(lab, !has(rules(), "IPSET"));
}

TEST_CASE("the hookscript is set where every node has it, and a guest's own is kept") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.interval = "1s";
    options.node.other_nodes = {"other"};
    PveLab lab{options};
    lab.node.put_snippet("mine", "#!/bin/sh\nexit 0\n");
    lab.install_snippet({"pve"});
    lab.start_watcher();
    lab.create(100, "web1");
    lab.create(101, "web2", {"--hookscript", "local:snippets/mine"});
    PVE_AWAIT(lab, lab.is_served(100, "web1") && lab.is_served(101, "web2"));
    let_it_look();
    CHECK(lab.node.config_value(100, "hookscript").empty());
    lab.install_snippet({"pve", "other"});
    PVE_AWAIT(lab, lab.node.config_value(100, "hookscript") == "local:snippets/failover-ip");
    CHECK(lab.node.config_value(101, "hookscript") == "local:snippets/mine");
}

TEST_CASE("two hundred clones at once all get an address of their own") {
    PVE_NODE_OR_SKIP();
    constexpr int clones = 200;
    PveLab::Options options;
    options.addresses.clear();
    for (int i = 1; i <= clones + 1; ++i) options.addresses.push_back("198.51.100." + std::to_string(i));
    options.warm = 8;
    PveLab lab{options};
    lab.start_watcher();
    lab.create(100, "golden");
    PVE_AWAIT(lab, lab.is_served(100, "golden"));
    lab.node.must({"sh", "-c",
                   "for i in $(seq 1001 1200); do qm clone 100 $i --name web$i & done; wait; "
                   "test $(ls /etc/pve/qemu-server/*.conf | wc -l) = 201"});
    const bool is_done = wait_until([&] { return lab.held() == clones + 1; }, 120s);
    if (!is_done) UNSCOPED_INFO(lab.story());
    REQUIRE(is_done);
    std::set<std::string> macs;
    std::set<std::string> addresses;
    const bool is_right = wait_until(
        [&] {
            macs.clear();
            addresses.clear();
            for (const auto& lease : lab.rows()) {
                if (!is_held(lease.state) || lease.state != LeaseState::active || !lease.mac) continue;
                addresses.insert(lease.address.text());
                macs.insert(lease.mac->text());
            }
            if (macs.size() != clones + 1) return false;
            for (int i = 1001; i <= 1200; ++i) {
                if (!macs.contains(lab.mac(i))) return false;
            }
            return true;
        },
        120s);
    if (!is_right) UNSCOPED_INFO(lab.story());
    CHECK(is_right);
    CHECK(addresses.size() == clones + 1);
}
