// What the recorded commands do not show: locks, hooks, quorum, modes, hot-plugging, ends of guests, pmxcfs itself.
#include "support/pve_node.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace fip::test;
using namespace std::chrono_literals;

#define NEEDS_NODE()                                        \
    if (const auto why = why_no_pve_node(); !why.empty()) { \
        WARN("SKIPPED: " << why);                           \
        return;                                             \
    }                                                       \
    static_assert(true)

namespace {

constexpr auto limit = 20s;
constexpr auto net = "virtio=52:54:00:0A:00:01,bridge=vmbr0";

PveNode::Options without_network() {
    PveNode::Options options;
    options.has_network = false;
    return options;
}

// Writes its phase, what stdin gave, and some of its environment to /run/hook.log.
constexpr auto noting_hook = R"(#!/bin/bash
read -r line; echo "$1 $2 stdin=$? LC_ALL=$LC_ALL from=${PVE_MIGRATED_FROM-unset} path=$PATH" >> /run/hook.log
echo "out of $2"; echo "err of $2" >&2
)";

std::vector<std::string> phases(const PveNode& node) {
    std::vector<std::string> result;
    if (!node.exists("/run/hook.log")) return result;
    std::istringstream lines{node.read("/run/hook.log")};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string vmid, phase;
        words >> vmid >> phase;
        result.push_back(phase);
    }
    return result;
}

bool has_phases(const PveNode& node, const std::vector<std::string>& wanted) {
    return wait_until([&] { return phases(node).size() >= wanted.size(); }, limit) && phases(node) == wanted;
}

void create(PveNode& node, int vmid = 100, const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{"qm", "create", std::to_string(vmid), "--memory", "64", "--net0", net};
    argv.insert(argv.end(), more.begin(), more.end());
    node.must(argv);
}

std::string error_of(PveNode& node, const std::string& script) {
    const auto result = node.run({"/bin/bash", "-c", script});
    return std::to_string(result.exit_code) + " " + result.err;
}

}  // namespace

TEST_CASE("pmxcfs keeps its modes, has no links, no other owners and no large files") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    const auto text = node.must(
        {"/bin/bash", "-c",
         "cd /etc/pve; stat -c '%a %U:%G' qemu-server/100.conf priv nodes/pve; readlink local qemu-server lxc"});
    CHECK(text ==
          "640 root:www-data\n700 root:www-data\n755 root:www-data\nnodes/pve\nnodes/pve/qemu-server\nnodes/pve/lxc\n");
    const std::string go = "cd /etc/pve/qemu-server; LC_ALL=C; ";
    CHECK(error_of(node, go + "chmod 600 100.conf").find("Operation not permitted") != std::string::npos);
    CHECK(error_of(node, go + "chmod 640 100.conf") == "0 ");
    CHECK(error_of(node, go + "chown 1 100.conf").find("Operation not permitted") != std::string::npos);
    CHECK(error_of(node, go + "ln 100.conf b").find("Operation not permitted") != std::string::npos);
    CHECK(error_of(node, go + "ln -s 100.conf b").find("Function not implemented") != std::string::npos);
    CHECK(error_of(node, go + "mkfifo b").find("Function not implemented") != std::string::npos);
    CHECK(error_of(node, go + "head -c 1048577 /dev/zero > big").find("File too large") != std::string::npos);
    CHECK(error_of(node, go + "sync 100.conf; flock 100.conf true; echo x > t; mv t u; truncate -s 0 u; rm u big") ==
          "0 ");
}

TEST_CASE("a VMID exists once in the cluster, and a rename to another node is a migration") {
    NEEDS_NODE();
    auto options = without_network();
    options.other_nodes = {"other"};
    PveNode node{options};
    create(node);
    CHECK(error_of(node, "touch /etc/pve/lxc/100.conf").find("File exists") != std::string::npos);
    CHECK(error_of(node, "touch /etc/pve/nodes/other/qemu-server/100.conf").find("File exists") != std::string::npos);
    CHECK(node.run({"qm", "create", "100"}).err == "unable to create VM 100 - VM 100 already exists on node 'pve'\n");
    node.must({"qm", "migrate", "100", "other"});
    CHECK_FALSE(node.config(100));
    CHECK(node.read("/etc/pve/.vmlist").find(R"("100": { "node": "other", "type": "qemu")") != std::string::npos);
    node.other_node_renames("nodes/other/qemu-server/100.conf", "nodes/pve/qemu-server/100.conf");
    CHECK(wait_until([&] { return node.config(100).has_value(); }, limit));
    CHECK(node.config_value(100, "net0") == net);
    CHECK(node.config_value(100, "lock").empty());
}

TEST_CASE("without quorum nothing can be written, and the owner's bit of `local` is gone") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.quorum(false);
    CHECK(wait_until([&] { return node.must({"stat", "-c", "%a", "/etc/pve/local"}) == "555\n"; }, limit));
    CHECK(error_of(node, "echo x > /etc/pve/qemu-server/101.conf").find("Permission denied") != std::string::npos);
    CHECK(node.run({"qm", "set", "100", "--onboot", "1"}).err.find("Permission denied") != std::string::npos);
    const auto start = node.run({"qm", "start", "100"});
    CHECK(start.err == "cluster not ready - no quorum?\n");
    CHECK(start.exit_code == 255);
    CHECK(node.read("/etc/pve/.members").find("\"quorate\": 0") != std::string::npos);
    CHECK(node.config(100));
    node.quorum(true);
    CHECK(wait_until([&] { return node.run({"qm", "set", "100", "--onboot", "1"}).exit_code == 0; }, limit));
}

TEST_CASE("without pmxcfs the folder is empty, and a restart brings the files back under another start time") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    const auto before = node.read("/etc/pve/.version");
    node.pmxcfs_down();
    CHECK_FALSE(node.exists("/etc/pve/.version"));
    CHECK(node.must({"ls", "-A", "/etc/pve"}).empty());
    CHECK(node.run({"qm", "list"}).exit_code == 111);
    node.pmxcfs_up();
    CHECK(node.config_value(100, "net0") == net);
    const auto start_time = [](const std::string& text) { return text.substr(0, text.find(',')); };
    CHECK(start_time(node.read("/etc/pve/.version")) != start_time(before));
    node.pmxcfs_crash();
    CHECK(error_of(node, "ls /etc/pve").find("Transport endpoint is not connected") != std::string::npos);
    node.pmxcfs_up(true);
    CHECK(node.read("/etc/pve/.vmlist").find("ids") == std::string::npos);
}

TEST_CASE("each write of a config gives its id a new version, other guests keep theirs") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node, 100);
    create(node, 101);
    const auto line = [&](const std::string& id) {
        const auto text = node.read("/etc/pve/.vmlist");
        const auto at = text.find("\"" + id + "\"");
        return text.substr(at, text.find('\n', at) - at);
    };
    const auto first = line("100"), second = line("101");
    node.must({"qm", "set", "100", "--onboot", "1"});
    CHECK(line("100") != first);
    CHECK(line("101").substr(0, 40) == second.substr(0, 40));
    node.other_node_puts("nodes/pve/qemu-server/100.conf", "memory: 64\n");
    CHECK(node.config(100) == "memory: 64\n");
}

TEST_CASE("inotify tells of this node's writes and not of another node's") {
    NEEDS_NODE();
    PveNode node{without_network()};
    const int events = ::inotify_init1(IN_CLOEXEC);
    REQUIRE(::inotify_add_watch(events, node.outside("/etc/pve/nodes/pve/qemu-server").c_str(),
                                IN_MOVED_TO | IN_DELETE | IN_CREATE) >= 0);
    const auto has_event = [&](std::chrono::milliseconds patience) {
        pollfd waiting{events, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) != 1) return false;
        std::array<char, 65536> all{};
        return ::read(events, all.data(), all.size()) > 0;
    };
    node.other_node_puts("nodes/pve/qemu-server/101.conf", "memory: 64\n");
    CHECK(node.config(101));
    node.other_node_removes("nodes/pve/qemu-server/101.conf");
    CHECK_FALSE(has_event(300ms));
    create(node);
    CHECK(has_event(limit));
    ::close(events);
}

TEST_CASE("a pmxcfs that hangs answers nobody until it does not") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.pmxcfs_hangs(true);
    auto reader = node.spawn({"cat", "/etc/pve/.version"});
    CHECK_FALSE(reader.wait(500ms));
    node.pmxcfs_hangs(false);
    const auto result = reader.wait(limit);
    REQUIRE(result);
    CHECK(result->out.starts_with("{\n\"starttime\": "));
}

TEST_CASE("a cluster lock is a folder that only one can make") {
    NEEDS_NODE();
    PveNode node{without_network()};
    const auto lock = std::string{"/etc/pve/priv/lock/firewall-vm-100"};
    CHECK(node.run({"mkdir", lock}).exit_code == 0);
    CHECK(node.run({"mkdir", lock}).exit_code == 1);
    CHECK(node.run({"rmdir", lock}).exit_code == 0);
    CHECK(node.run({"mkdir", lock}).exit_code == 0);
}

TEST_CASE("what is half made and half destroyed shows in the file") {
    NEEDS_NODE();
    auto options = without_network();
    options.environment = {{"FIP_SIM_PVE_STEP_MS", "1500"}};
    PveNode node{options};
    const auto seen = [&](const std::string& text) {
        return wait_until([&] { return node.config(100).value_or("") == text; }, limit);
    };
    auto making = node.spawn({"qm", "create", "100", "--net0", net});
    CHECK(seen("lock: create\n"));
    REQUIRE(making.wait(limit)->exit_code == 0);
    node.write("/var/lib/vz/dump/100.conf", "memory: 99\nnet0: " + std::string{net} + "\n");
    auto restoring = node.spawn({"qmrestore", "/var/lib/vz/dump/100.conf", "100", "--force"});
    CHECK(seen("lock: create\nmemory: 128\n"));
    REQUIRE(restoring.wait(limit)->exit_code == 0);
    CHECK(node.config_value(100, "net0") == net);
    auto destroying = node.spawn({"qm", "destroy", "100"});
    CHECK(seen("lock: destroyed\n"));
    REQUIRE(destroying.wait(limit)->exit_code == 0);
    CHECK_FALSE(node.config(100));
    CHECK(node.exists("/var/lock/qemu-server/lock-100.conf"));
}

TEST_CASE("a restored guest has the MAC of its backup, with --unique another one") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.write("/var/lib/vz/dump/100.conf", node.config(100).value());
    node.must({"qmrestore", "/var/lib/vz/dump/100.conf", "200"});
    CHECK(node.config_value(200, "net0") == net);
    CHECK(node.config_value(200, "smbios1") == node.config_value(100, "smbios1"));
    CHECK(node.config_value(200, "vmgenid") != node.config_value(100, "vmgenid"));
    node.must({"qmrestore", "/var/lib/vz/dump/100.conf", "201", "--unique"});
    CHECK(node.config_value(201, "net0") != net);
    CHECK(node.config_value(201, "smbios1") != node.config_value(100, "smbios1"));
}

TEST_CASE("who finds the config locked waits ten seconds, says so and gives up") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    auto holder = node.spawn({"flock", "/var/lock/qemu-server/lock-100.conf", "sleep", "60"});
    REQUIRE(wait_until(
        [&] {
            return node.run({"flock", "-n", "/var/lock/qemu-server/lock-100.conf", "true"}).exit_code == 1;
        },
        limit));
    const auto begin = std::chrono::steady_clock::now();
    const auto result = node.run({"qm", "set", "100", "--onboot", "1"});
    CHECK(std::chrono::steady_clock::now() - begin >= 9s);
    CHECK(result.exit_code == 4);
    CHECK(result.err ==
          "trying to acquire lock...can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout\n");
    CHECK(node.run({"qm", "config", "100"}).exit_code == 0);
}

TEST_CASE("the phases of a VM's life come in PVE's order with PVE's environment, and post-stop comes late") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet("note", noting_hook);
    create(node, 100, {"--hookscript", "local:snippets/note"});
    CHECK(phases(node).empty());
    const auto start = node.run({"qm", "start", "100"});
    CHECK(start.exit_code == 0);
    CHECK(start.out.find("out of pre-start\n") != std::string::npos);
    CHECK(start.out.find("err of post-start\n") != std::string::npos);
    CHECK(node.read("/run/hook.log") ==
          "100 pre-start stdin=1 LC_ALL=C from= path=/sbin:/bin:/usr/sbin:/usr/bin\n"
          "100 post-start stdin=1 LC_ALL=C from= path=/sbin:/bin:/usr/sbin:/usr/bin\n");
    CHECK(node.must({"qm", "status", "100"}) == "status: running\n");
    node.must({"qm", "stop", "100"});
    CHECK(phases(node).back() == "pre-stop");
    CHECK(has_phases(node, {"pre-start", "post-start", "pre-stop", "post-stop"}));
    CHECK(node.read("/run/hook.log").find("post-stop stdin=1 LC_ALL=C from=unset") != std::string::npos);

    node.must({"rm", "/run/hook.log"});
    node.must({"qm", "start", "100"});
    node.power_off(100);
    CHECK(has_phases(node, {"pre-start", "post-start", "post-stop"}));
    node.must({"rm", "/run/hook.log"});
    node.must({"qm", "start", "100"});
    node.must({"qm", "reboot", "100"});
    CHECK(has_phases(node, {"pre-start", "post-start", "pre-stop", "post-stop", "pre-start", "post-start"}));
    CHECK(node.read("/var/log/pve/tasks/index").find(":qmreboot:100:root@pam: ") != std::string::npos);
}

TEST_CASE("a start fails with its pre-start hook, in PVE's words, and nothing follows") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet("bad", "#!/bin/bash\n[[ $2 == pre-start ]] && exit 7\necho $2 >> /run/hook.log\n");
    create(node, 100, {"--hookscript", "local:snippets/bad"});
    const auto result = node.run({"qm", "start", "100"});
    CHECK(result.exit_code == 255);
    CHECK(result.err ==
          "hookscript error for 100 on pre-start: command '/var/lib/vz/snippets/bad 100 pre-start' failed: exit code "
          "7\n");
    CHECK(node.pid_of(100) == 0);
    CHECK_FALSE(node.exists("/run/hook.log"));
    node.must({"chmod", "644", "/var/lib/vz/snippets/bad"});
    CHECK(node.run({"qm", "start", "100"}).err ==
          "hookscript error for 100 on pre-start: script 'local:snippets/bad' is not executable\n");
    node.must({"rm", "/var/lib/vz/snippets/bad"});
    CHECK(node.run({"qm", "start", "100"}).err ==
          "hookscript error for 100 on pre-start: script 'local:snippets/bad' does not exist\n");
    CHECK(node.read("/var/log/pve/tasks/index").find("failed: exit code 7 \n") != std::string::npos);
}

TEST_CASE("a hook holds the config lock, and a child that keeps its output holds the start") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet("hook",
                     "#!/bin/bash\n[[ $2 == pre-start ]] || exit 0\n"
                     "flock -n /var/lock/qemu-server/lock-$1.conf true && echo free || echo held\n"
                     "qm config $1 > /dev/null && echo readable\nsleep 2 &\n");
    create(node, 100, {"--hookscript", "local:snippets/hook"});
    const auto begin = std::chrono::steady_clock::now();
    CHECK(node.must({"qm", "start", "100"}) == "held\nreadable\n");
    CHECK(std::chrono::steady_clock::now() - begin >= 1900ms);
}

TEST_CASE("what pre-start writes reaches the next start, not this one") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet(
        "edit",
        "#!/bin/bash\n[[ $2 == pre-start ]] || exit 0\ncd /etc/pve/qemu-server\n"
        "sed s/52:54:00:0A:00:01/52:54:00:0A:00:02/ $1.conf > $1.conf.tmp.1 && mv $1.conf.tmp.1 $1.conf\n");
    create(node, 100, {"--hookscript", "local:snippets/edit"});
    node.must({"qm", "start", "100"});
    const auto command = [&] { return node.read("/proc/" + std::to_string(node.pid_of(100)) + "/cmdline"); };
    CHECK(command().find("mac=52:54:00:0A:00:01") != std::string::npos);
    node.must({"qm", "stop", "100"});
    CHECK(node.config_value(100, "net0") == "virtio=52:54:00:0A:00:02,bridge=vmbr0");
    node.must({"qm", "start", "100"});
    CHECK(command().find("mac=52:54:00:0A:00:02") != std::string::npos);
}

TEST_CASE("a running guest that lets go of its NIC gets the new MAC at once, another keeps it pending") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.set_environment("FIP_SIM_PVE_EJECT_MS", "300");
    node.must({"qm", "start", "100"});
    node.must({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:02,bridge=vmbr0"});
    CHECK(node.config(100)->find("PENDING") == std::string::npos);
    node.must({"qm", "stop", "100"});

    node.set_environment("FIP_SIM_PVE_EJECT_MS", "-1");
    node.must({"qm", "start", "100"});
    const auto result = node.run({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:03,bridge=vmbr0"});
    CHECK(result.exit_code == 255);
    CHECK(result.err ==
          "400 Parameter verification failed.\nnet0: hotplug problem - error on hot-unplugging device 'net0'\n\n"
          "qm set <vmid> [OPTIONS]\n");
    CHECK(node.config_value(100, "net0") == "virtio=52:54:00:0A:00:02,bridge=vmbr0");
    CHECK(node.config(100)->find("\n[PENDING]\nnet0: virtio=52:54:00:0A:00:03,bridge=vmbr0\n") != std::string::npos);
    node.must({"qm", "stop", "100"});
    CHECK(node.config_value(100, "net0") == "virtio=52:54:00:0A:00:03,bridge=vmbr0");
    CHECK(node.config(100)->find("PENDING") == std::string::npos);
}

TEST_CASE("without hot-plugging a value waits for the start after the guest has powered off") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node, 100, {"--hotplug", "0"});
    node.must({"qm", "start", "100"});
    node.must({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:02,bridge=vmbr0"});
    node.power_off(100);
    CHECK(wait_until([&] { return node.pid_of(100) == 0; }, limit));
    CHECK(node.config_value(100, "net0") == net);
    node.must({"qm", "start", "100"});
    CHECK(node.config_value(100, "net0") == "virtio=52:54:00:0A:00:02,bridge=vmbr0");
    CHECK(node.read("/proc/" + std::to_string(node.pid_of(100)) + "/cmdline").find("52:54:00:0A:00:02") !=
          std::string::npos);
}

TEST_CASE("a guest's tap and a container's veth are on the bridge while they run") {
    NEEDS_NODE();
    PveNode node;
    create(node);
    create(node, 101, {"--net1", "virtio=52:54:00:0A:00:05,bridge=vmbr0,firewall=1"});
    node.must({"pct", "create", "200", "local:vztmpl/x", "--hostname", "ct", "--net0",
               "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:09"});
    for (const auto* id : {"100", "101"}) node.must({"qm", "start", id});
    node.must({"pct", "start", "200"});
    const auto ports = node.must({"ip", "-br", "link", "show", "master", "vmbr0"});
    for (const auto* port : {"eno1", "tap100i0", "tap101i0", "fwpr101p1", "veth200i0"})
        CHECK(ports.find(port) != std::string::npos);
    CHECK(node.must({"ip", "-br", "link", "show", "master", "fwbr101i1"}).find("tap101i1") != std::string::npos);
    CHECK(node.must({"cat", "/proc/net/unix"}).find("@/var/lib/lxc/200/command") != std::string::npos);
    auto pids = node.read("/var/lib/lxc/200/pids");  // the monitor's, the container's
    pids.pop_back();
    const auto inside =
        node.must({"nsenter", "--net=/proc/" + pids.substr(pids.find(' ') + 1) + "/ns/net", "ip", "-br", "link"});
    CHECK(inside.find("52:54:00:0a:00:09") != std::string::npos);
    for (const auto* id : {"100", "101"}) node.must({"qm", "stop", id});
    node.must({"pct", "stop", "200"});
    CHECK(wait_until(
        [&] {
            return node.must({"ip", "-br", "link", "show", "master", "vmbr0"}).find("100i0") == std::string::npos;
        },
        limit));
    CHECK(wait_until([&] { return node.must({"ip", "-br", "link"}).find("200i0") == std::string::npos; }, limit));
    CHECK(wait_until([&] { return node.must({"ip", "-br", "link"}).find("fwbr101i1") == std::string::npos; }, limit));
}

TEST_CASE("a container is created, set, started and destroyed as PVE does it") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet("note", noting_hook);
    node.must(
        {"pct", "create", "200", "local:vztmpl/x", "--hostname", "ct", "--net0", "name=eth0,bridge=vmbr0,ip=dhcp"});
    CHECK(node.config_value(200, "net0").starts_with("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:"));
    CHECK(node.config_value(200, "net0").ends_with(",ip=dhcp,type=veth"));
    node.must({"pct", "set", "200", "--hookscript", "local:snippets/note"});
    node.must({"pct", "start", "200"});
    CHECK(node.must({"pct", "status", "200"}) == "status: running\n");
    CHECK(node.read("/run/hook.log").find("from=unset") != std::string::npos);
    CHECK(node.run({"pct", "destroy", "200"}).err == "CT 200 is running - destroy failed\n");
    node.must({"pct", "set", "200", "--net0", "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:07"});
    CHECK(node.config_value(200, "net0") == "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:07,type=veth");
    node.must({"pct", "stop", "200"});
    CHECK(has_phases(node, {"pre-start", "post-start", "pre-stop", "post-stop"}));
    node.must({"pct", "destroy", "200"});
    CHECK_FALSE(node.config(200));
}

TEST_CASE(
    "a container's NIC changes in two writes, and a failure leaves the new one pending and none of it in the guest") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.must({"pct", "create", "200", "local:vztmpl/x", "--hostname", "ct", "--net0",
               "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:09"});
    node.must({"pct", "start", "200"});
    node.set_environment("FIP_SIM_PVE_LXC_DEVICE", "fails");
    const auto before = node.config(200);
    const auto added = node.run({"pct", "set", "200", "--net1", "name=eth1,bridge=vmbr0", "--tags", "a"});
    CHECK(added.exit_code == 255);
    CHECK(added.err ==
          "400 Parameter verification failed.\nnet1: unable to hotplug net1: command 'lxc-device -n 200 add veth200i1p "
          "eth1' failed: exit code 1\n\n\npct set <vmid> [OPTIONS]\n");
    CHECK(node.config(200) == before);  // not even the tag
    CHECK(node.run({"pct", "set", "200", "--tags", "b", "--net0", "name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:0A"})
              .exit_code == 255);
    CHECK(node.config_value(200, "net0").empty());
    CHECK(node.config_value(200, "tags") == "b");
    CHECK(
        node.config(200)->find("\n[pve:pending]\nnet0: name=eth0,bridge=vmbr0,hwaddr=52:54:00:0A:00:0A,type=veth\n") !=
        std::string::npos);
    const auto late = node.run({"pct", "set", "200", "--digest", std::string(40, '0'), "--tags", "c"});
    CHECK(late.err == "detected modified configuration - file changed by other user? Try again.\n");
}

TEST_CASE("arguments are read by the locale: without UTF-8 each byte of an umlaut is lost") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    const auto set = [&](const std::string& locale) {
        node.must({"env", "-u", "LC_ALL", locale, "qm", "set", "100", "--description", "ü"});
        return node.config(100)->substr(0, node.config(100)->find('\n'));
    };
    CHECK(set("LC_ALL=C.UTF-8") == "#%C3%BC");
    CHECK(set("LC_ALL=C") == "#%EF%BF%BD%EF%BF%BD");
    CHECK(set("LANG=de_DE.utf8") == "#%C3%BC");
    CHECK(set("NONE=") == "#%EF%BF%BD%EF%BF%BD");
}

TEST_CASE("a clone holds its source's lock for reading, so that nobody sets anything meanwhile") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.set_environment("FIP_SIM_PVE_CLONE_MS", "60000");
    auto cloning = node.spawn({"qm", "clone", "100", "101"});
    const auto can_lock = [&](const std::string& how) {
        return node.run({"flock", "-n", how, "/var/lock/qemu-server/lock-100.conf", "true"}).exit_code == 0;
    };
    CHECK(wait_until([&] { return !can_lock("-x"); }, limit));
    CHECK(can_lock("-s"));
}

TEST_CASE("a paused guest that is reset is as before its begin, and goes on from there") {
    NEEDS_NODE();
    PveNode::Options options;
    options.has_qemu = GENERATE(false, true);
    PveNode node{options};
    if (options.has_qemu && !node.exists("/usr/bin/qemu-system-x86_64")) {
        WARN("SKIPPED: no qemu-system-x86_64 here");
        return;
    }
    create(node);
    node.must({"qm", "start", "100"});
    const auto is = [&](const std::string& status) {
        return node.qmp(100, R"({"execute":"query-status"})").find("\"" + status + "\"") != std::string::npos;
    };
    CHECK(is("running"));
    static_cast<void>(node.qmp(100, R"({"execute":"stop"})"));
    CHECK(is("paused"));
    static_cast<void>(node.qmp(100, R"({"execute":"system_reset"})"));
    CHECK(wait_until([&] { return is("prelaunch"); }, limit));
    static_cast<void>(node.qmp(100, R"({"execute":"cont"})"));
    CHECK(is("running"));
}

TEST_CASE("a backup of a stopped VM starts it under its lock, and hibernation keeps a lock too") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.put_snippet("lock", "#!/bin/bash\necho \"$2 $(grep ^lock: /etc/pve/qemu-server/$1.conf)\" >> /run/hook.log\n");
    create(node, 100, {"--hookscript", "local:snippets/lock"});
    node.must({"vzdump", "100"});
    CHECK(wait_until([&] { return phases(node).size() == 4; }, limit));
    const auto log = node.read("/run/hook.log");
    CHECK(log.starts_with("pre-start lock: backup\npost-start lock: backup\npre-stop lock: backup\npost-stop"));
    CHECK(node.config_value(100, "lock").empty());
    node.must({"qm", "start", "100"});
    node.must({"qm", "suspend", "100", "--todisk"});
    CHECK(node.config_value(100, "lock") == "suspended");
    // `qm cleanup` may have the lock just then.
    CHECK(node.run({"qm", "set", "100", "--onboot", "1"}).err.ends_with("VM is locked (suspended)\n"));
    node.must({"qm", "start", "100"});
    CHECK(node.config_value(100, "lock").empty());
}

TEST_CASE("the target of a live migration starts from the source's file") {
    NEEDS_NODE();
    auto options = without_network();
    options.other_nodes = {"other"};
    PveNode node{options};
    node.put_snippet("note", noting_hook);
    node.other_node_puts(
        "nodes/other/qemu-server/100.conf",
        "hookscript: local:snippets/note\nlock: migrate\nmemory: 64\nnet0: " + std::string{net} + "\n");
    node.must({"qm", "start", "100", "--skiplock", "--migratedfrom", "other"});
    CHECK(node.read("/run/hook.log").find("pre-start stdin=1 LC_ALL=C from=other") != std::string::npos);
    const auto command = node.read("/proc/" + std::to_string(node.pid_of(100)) + "/cmdline");
    CHECK(command.find("-incoming") != std::string::npos);
}

TEST_CASE("two nodes see one cluster, each its own folder as local") {
    NEEDS_NODE();
    auto options = without_network();
    options.name = "one";
    PveNode one{options};
    options.name = "two";
    options.cluster = &one;
    PveNode two{options};
    create(one);
    CHECK(two.must({"readlink", "/etc/pve/local"}) == "nodes/two\n");
    CHECK(two.read("/etc/pve/nodes/one/qemu-server/100.conf") == one.config(100));
    one.must({"qm", "migrate", "100", "two"});
    CHECK(wait_until([&] { return two.config(100).has_value(); }, limit));
    two.must({"qm", "start", "100"});
    CHECK(two.must({"hostname"}) == "two\n");
}

TEST_CASE("pvesh shows and changes what qm does") {
    NEEDS_NODE();
    PveNode node{without_network()};
    node.must(
        {"pvesh", "create", "/nodes/pve/qemu", "--vmid", "100", "--net0", net, "--onboot", "1", "--memory", "256"});
    const auto config = node.must({"pvesh", "get", "/nodes/pve/qemu/100/config", "--output-format", "json"});
    CHECK(config.find("\"memory\":\"256\"") != std::string::npos);
    CHECK(config.find("\"onboot\":1") != std::string::npos);
    CHECK(config.find("\"digest\":\"" + node.must({"sha1sum", "/etc/pve/qemu-server/100.conf"}).substr(0, 40)) !=
          std::string::npos);
    node.must({"pvesh", "set", "/nodes/pve/qemu/100/config", "--tags", "fip-192.0.2.1"});
    CHECK(node.must({"pvesh", "get", "/cluster/resources", "--type", "vm"}).find("\"tags\":\"fip-192.0.2.1\"") !=
          std::string::npos);
    node.must({"pvesh", "delete", "/nodes/pve/qemu/100"});
    CHECK_FALSE(node.config(100));
}

TEST_CASE("a real QEMU without an operating system keeps its NIC until it is reset") {
    NEEDS_NODE();
    PveNode::Options options;
    options.has_qemu = true;
    PveNode node{options};
    if (!node.exists("/usr/bin/qemu-system-x86_64")) {
        WARN("SKIPPED: no qemu-system-x86_64 here");
        return;
    }
    create(node);
    node.must({"qm", "start", "100"});
    const auto command = [&] { return node.read("/proc/" + std::to_string(node.pid_of(100)) + "/cmdline"); };
    const auto live_mac = [&] {
        return node.qmp(100,
                        R"({"execute":"qom-get","arguments":{"path":"/machine/peripheral/net0","property":"mac"}})");
    };
    CHECK(command().starts_with("/usr/bin/kvm"));
    CHECK(node.must({"ip", "-br", "link", "show", "master", "vmbr0"}).find("tap100i0") != std::string::npos);
    const auto first = node.run({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:02,bridge=vmbr0"});
    CHECK(first.err.find("hotplug problem - error on hot-unplugging device 'net0'") != std::string::npos);
    CHECK(live_mac().find("52:54:00:0a:00:01") != std::string::npos);
    node.must({"qm", "stop", "100"});
    node.must({"qm", "start", "100"});
    CHECK(command().find("52:54:00:0A:00:02") != std::string::npos);

    auto setting = node.spawn({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:03,bridge=vmbr0"});
    CHECK(wait_until([&] { return node.config(100)->find("PENDING") != std::string::npos; }, limit));
    bool has_ended = false;
    CHECK(wait_until(  // device_del comes first, and then the reset lets go of the device
        [&] {
            node.qmp(100, R"({"execute":"system_reset"})");
            const auto result = setting.wait(500ms);
            has_ended = result && result->exit_code == 0;
            return result.has_value();
        },
        limit));
    CHECK(has_ended);
    CHECK(live_mac().find("52:54:00:0a:00:03") != std::string::npos);
    CHECK(node.must({"ip", "-br", "link", "show", "master", "vmbr0"}).find("tap100i0") != std::string::npos);
    node.must({"qm", "stop", "100"});
}

TEST_CASE("a NIC that its guest did not let go of leaves with a reset") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.must({"qm", "start", "100"});
    CHECK(node.run({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:02,bridge=vmbr0"}).exit_code == 255);
    CHECK(node.run({"qm", "set", "100", "--net0", "virtio=52:54:00:0A:00:02,bridge=vmbr0"})
              .err.find("already in the process of unplug") != std::string::npos);
    node.must({"qm", "reset", "100"});
    const auto devices = node.qmp(100, R"({"execute":"qom-list","arguments":{"path":"/machine/peripheral"}})");
    CHECK(devices.find("net0") == std::string::npos);
}

TEST_CASE("many clones at once are as many guests with as many MACs") {
    NEEDS_NODE();
    PveNode node{without_network()};
    create(node);
    node.must({"/bin/bash", "-c", "for i in {200..260}; do qm clone 100 $i --name c$i & done; wait"});
    std::set<std::string> macs;
    for (int vmid = 200; vmid <= 260; ++vmid) macs.insert(node.config_value(vmid, "net0"));
    CHECK(macs.size() == 61);
}
