// What the cluster does to the watcher: guests that move, a pmxcfs that goes, no quorum, locks.
#include "pve_lab.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

constexpr auto our_server = 11111;
constexpr auto their_server = 22222;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void let_it_look() {
    std::this_thread::sleep_for(5s);
}

PveLab::Options two_nodes() {
    PveLab::Options options;
    options.servers = {{our_server, "192.0.2.10"}, {their_server, "192.0.2.20"}};
    options.node.other_nodes = {"other"};
    return options;
}

}  // namespace

TEST_CASE("a guest that goes to another node keeps its address, and its end there drops only our row") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto lease = lab.held_by("web1").at(0);
    lab.node.must({"qm", "migrate", "100", "other"});
    PVE_AWAIT(lab, lab.held_by("web1").at(0).state == LeaseState::away);
    // The other node's watcher moves the address.
    lab.provider.edit(lease.address.text(), {{"server", their_server}});
    let_it_look();
    CHECK(lab.provider.find(lease.address.text())->mac == lease.mac->text());
    lab.node.other_node_removes("nodes/other/qemu-server/100.conf");
    PVE_AWAIT(lab, lab.held_by("web1").empty());
    let_it_look();
    CHECK(lab.provider.find(lease.address.text())->mac == lease.mac->text());
}

TEST_CASE("a guest that leaves and comes back has its lease and its address here again") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto lease = lab.held_by("web1").at(0);
    lab.node.must({"qm", "migrate", "100", "other"});
    PVE_AWAIT(lab, lab.held_by("web1").at(0).state == LeaseState::away);
    lab.provider.edit(lease.address.text(), {{"server", their_server}});
    lab.node.other_node_renames("nodes/other/qemu-server/100.conf", "nodes/pve/qemu-server/100.conf");
    PVE_AWAIT(lab, lab.provider.find(lease.address.text())->server == our_server);
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    CHECK(lab.held_by("web1").at(0).address == lease.address);
}

TEST_CASE("a guest of another node that is recovered here brings its address with it") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    const std::string address = "203.0.113.7";
    lab.provider.edit(address, {{"server", their_server}, {"mac", "52:54:00:00:77:77"}});
    lab.start_watcher();
    lab.node.other_node_puts("nodes/other/qemu-server/107.conf",
                             "name: web7\nnet0: virtio=52:54:00:00:77:77,bridge=vmbr0\n"
                             "smbios1: uuid=4dea22b3-1d52-48f3-9516-782e98a23fa0\n");
    let_it_look();
    CHECK(lab.held() == 0);
    lab.node.other_node_renames("nodes/other/qemu-server/107.conf", "nodes/pve/qemu-server/107.conf");
    PVE_AWAIT(lab, lab.provider.find(address)->server == our_server);
    PVE_AWAIT(lab, !lab.held_by("web7").empty() && lab.held_by("web7").at(0).state == LeaseState::active);
    CHECK(lab.mac(107) == "52:54:00:00:77:77");
}

TEST_CASE("a guest whose live migration is not over yet has its address here already") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    const std::string address = "203.0.113.7";
    lab.provider.edit(address, {{"server", their_server}, {"mac", "52:54:00:00:77:77"}});
    lab.start_watcher();
    const std::string config =
        "lock: migrate\nname: web7\nnet0: virtio=52:54:00:00:77:77,bridge=vmbr0\n"
        "smbios1: uuid=4dea22b3-1d52-48f3-9516-782e98a23fa0\n";
    lab.node.other_node_puts("nodes/other/qemu-server/107.conf", config);
    let_it_look();
    lab.node.other_node_renames("nodes/other/qemu-server/107.conf", "nodes/pve/qemu-server/107.conf");
    PVE_AWAIT(lab, lab.provider.find(address)->server == our_server);
    let_it_look();
    CHECK(*lab.node.config(107) == config);
    lab.node.must({"qm", "unlock", "107"});
    PVE_AWAIT(lab, has(lab.shown(107), address));
}

TEST_CASE("a node that joins a cluster tells it again that it has the snippet") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.install_snippet();
    lab.start_watcher();
    const auto announced = [&] { return lab.node.run({"cat", "/etc/pve/failover-ip/pve"}).exit_code == 0; };
    REQUIRE(announced());
    std::this_thread::sleep_for(1s);  // pmxcfs counts its starts in seconds
    lab.node.pmxcfs_down();
    PVE_AWAIT(lab, has(lab.log(), "pmxcfs-away"));
    lab.node.pmxcfs_up(true);  // with another database
    PVE_AWAIT(lab, announced());
    CHECK_THAT(lab.log(), Catch::Matchers::Contains("told again"));
}

TEST_CASE("a VMID that is destroyed here and made on another node at once gives its address back") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    lab.start_watcher();
    lab.create(100, "web1");
    lab.create(101, "stays");
    PVE_AWAIT(lab, lab.is_served(100, "web1") && lab.is_served(101, "stays"));
    lab.node.must({"qm", "destroy", "100"});
    SECTION("whole at once") {}
    SECTION("by way of a placeholder") {
        lab.node.other_node_puts("nodes/other/qemu-server/100.conf", "lock: create\n");
        let_it_look();
        CHECK(lab.held_by("web1").size() == 1);
    }
    lab.node.other_node_puts("nodes/other/qemu-server/100.conf",
                             "name: db1\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n"
                             "smbios1: uuid=4dea22b3-1d52-48f3-9516-782e98a23fa0\n");
    PVE_AWAIT(lab, lab.held_by("web1").empty());
    PVE_AWAIT(lab, lab.is_nothing_leaked());
    CHECK(lab.is_served(101, "stays"));
}

TEST_CASE("a clone that was made here for another node gives back what it never wore") {
    PVE_NODE_OR_SKIP();
    PveLab lab{two_nodes()};
    lab.start_watcher();
    // As `qm clone --target` does: the whole config without a lock, the VM's lock held until it is moved.
    auto holder = lab.node.spawn({"flock", "/run/lock/qemu-server/lock-108.conf", "sleep", "60"});
    lab.node.other_node_puts("nodes/pve/qemu-server/108.conf",
                             "name: web8\nnet0: virtio=BC:24:11:00:00:08,bridge=vmbr0\n"
                             "smbios1: uuid=4dea22b3-1d52-48f3-9516-782e98a23fa8\n");
    PVE_AWAIT(lab, lab.held_by("web8").size() == 1);
    lab.node.other_node_renames("nodes/pve/qemu-server/108.conf", "nodes/other/qemu-server/108.conf");
    holder.kill();
    PVE_AWAIT(lab, lab.held_by("web8").empty());
    PVE_AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("a guest that was migrated to another cluster takes its address along") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    lab.create(101, "stays");
    PVE_AWAIT(lab, lab.is_served(100, "web1") && lab.is_served(101, "stays"));
    const auto lease = lab.held_by("web1").at(0);
    const std::string task = "UPID:pve:0001E240:00ABCDEF:65EFFF00:qmigrate:100:root@pam: ";
    SECTION("not by a migration that failed long before") {
        lab.node.write("/var/log/pve/tasks/active", task + "1 65EFFF10 migration aborted\n");
        lab.node.must({"qm", "destroy", "100"});
        PVE_AWAIT(lab, lab.held_by("web1").empty());
        PVE_AWAIT(lab, lab.provider.find(lease.address.text())->mac != lease.mac->text());
        return;
    }
    lab.node.write("/var/log/pve/tasks/active", task + "0\n");
    lab.node.must({"qm", "destroy", "100"});
    PVE_AWAIT(lab, lab.held_by("web1").at(0).state == LeaseState::away);
    let_it_look();
    CHECK(lab.provider.find(lease.address.text())->mac == lease.mac->text());
}

TEST_CASE("a watcher that is told to stop ends the change that it has begun") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.node.set_environment("FIP_SIM_PVE_STEP_MS", "2000");
    auto creation = lab.node.spawn({"qm", "create", "100", "--name", "web1", "--net0", "virtio,bridge=vmbr0"});
    // `qm set` writes what is pending first, and then applies it.
    PVE_AWAIT(lab, has(lab.node.config(100).value_or(""), "[PENDING]") && !lab.held_by("web1").empty() &&
                       lab.held_by("web1").at(0).mac);
    const auto mac = lab.held_by("web1").at(0).mac->text();
    CHECK(lab.mac(100) != mac);
    const auto stopped = lab.stop_watcher();
    CHECK(stopped.exit_code == 0);
    CHECK(lab.mac(100) == mac);
}

TEST_CASE("a pmxcfs that vanishes, comes back empty, and then full, releases nothing") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.interval = "1s";
    PveLab lab{options};
    lab.start_watcher();
    for (const int vmid : {100, 101, 102}) lab.create(vmid, "web" + std::to_string(vmid));
    PVE_AWAIT(lab, lab.held() == 3 && lab.is_served(102, "web102"));
    PVE_AWAIT(lab, lab.is_served(100, "web100") && lab.is_served(101, "web101"));
    std::vector<std::string> configs;
    for (const int vmid : {100, 101, 102}) configs.push_back(*lab.node.config(vmid));
    lab.node.pmxcfs_down();
    PVE_AWAIT(lab, has(lab.log(), "pmxcfs-away"));
    let_it_look();
    lab.node.pmxcfs_up(true);
    PVE_AWAIT(lab, has(lab.log(), "pmxcfs-watched: pve: 0 guests"));
    let_it_look();
    CHECK(lab.held() == 3);
    for (const int vmid : {100, 101, 102}) {
        lab.node.other_node_puts("nodes/pve/qemu-server/" + std::to_string(vmid) + ".conf",
                                 configs.at(static_cast<std::size_t>(vmid - 100)));
    }
    let_it_look();
    CHECK(lab.held() == 3);
    CHECK_FALSE(has(lab.log(), "lease-ended"));
    lab.node.must({"qm", "destroy", "100"});
    PVE_AWAIT(lab, lab.held() == 2);  // and it still works
}

TEST_CASE("a pmxcfs that crashed, or hangs, holds up nothing but itself") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    lab.node.pmxcfs_crash();
    let_it_look();
    CHECK(lab.watcher_runs());
    CHECK(lab.held() == 1);
    lab.node.pmxcfs_up();
    lab.create(101, "web2");
    PVE_AWAIT(lab, lab.is_served(101, "web2"));
    CHECK(lab.held() == 2);
}

TEST_CASE("without a quorum nothing is written or released, and with it again everything is") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    lab.create(100, "web1");
    lab.create(101, "web2");
    PVE_AWAIT(lab, lab.is_served(100, "web1") && lab.is_served(101, "web2"));
    lab.node.other_node_removes("nodes/pve/qemu-server/100.conf");
    lab.node.quorum(false);
    let_it_look();
    let_it_look();
    CHECK(lab.held() == 2);
    lab.node.quorum(true);
    PVE_AWAIT(lab, lab.held() == 1);
    lab.create(102, "web3");
    PVE_AWAIT(lab, lab.is_served(102, "web3"));
}

TEST_CASE("a guest with a lock is not written to until it has none") {
    PVE_NODE_OR_SKIP();
    PveLab lab;
    lab.start_watcher();
    for (const std::string lock : {"backup", "migrate", "snapshot", "suspended"}) {
        CAPTURE(lock);
        const std::string text = "lock: " + lock +
                                 "\nname: web1\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n"
                                 "smbios1: uuid=4dea22b3-1d52-48f3-9516-782e98a23fa0\n";
        lab.node.other_node_puts("nodes/pve/qemu-server/100.conf", text);
        std::this_thread::sleep_for(2500ms);
        CHECK(*lab.node.config(100) == text);
        lab.node.other_node_puts("nodes/pve/qemu-server/100.conf", text.substr(text.find('\n') + 1));
        PVE_AWAIT(lab, lab.is_served(100, "web1"));
    }
}

TEST_CASE("what Proxmox is still making or taking apart is not looked at, and ends nothing") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.interval = "1s";
    PveLab lab{options};
    lab.start_watcher();
    lab.create(100, "web1");
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    const auto full = *lab.node.config(100);
    for (const std::string text : {"lock: create\n", "memory: 128\nlock: create\n", "lock: destroyed\n",
                                   "# qmclone temporary file\nlock: clone\n"}) {
        CAPTURE(text);
        lab.node.other_node_puts("nodes/pve/qemu-server/100.conf", text);
        std::this_thread::sleep_for(2500ms);
        CHECK(*lab.node.config(100) == text);
        CHECK(lab.held() == 1);
    }
    lab.node.other_node_puts("nodes/pve/qemu-server/100.conf", full);
    PVE_AWAIT(lab, lab.is_served(100, "web1"));
    CHECK_FALSE(has(lab.log(), "lease-ended"));
}

TEST_CASE("a guest that was destroyed while nobody watched is released after two listings, a grace apart") {
    PVE_NODE_OR_SKIP();
    PveLab::Options options;
    options.interval = "1s";
    options.grace = "4s";
    PveLab lab{options};
    lab.start_watcher();
    lab.create(100, "web1");
    lab.create(101, "web2");
    PVE_AWAIT(lab, lab.is_served(100, "web1") && lab.is_served(101, "web2"));
    REQUIRE(lab.stop_watcher().exit_code == 0);
    lab.node.must({"qm", "destroy", "100"});
    lab.start_watcher();
    PVE_AWAIT(lab, !lab.notes(NoteKind::absent).empty());
    CHECK(lab.held() == 2);
    PVE_AWAIT(lab, lab.held() == 1);
    CHECK(lab.is_served(101, "web2"));
}
