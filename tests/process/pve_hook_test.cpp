// The hookscript as Proxmox calls it: what it lets start, and what not.
#include "pve_hook_host.hpp"

#include <filesystem>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto good_mac = "52:54:00:00:00:05";
constexpr auto random_mac_in_words = "the provider does not know the MAC bc:24:11:00:00:99";

/// A VM with a good lease, whose MAC is in the kernel's set.
struct Leased : PveHookHost {
    Leased() {
        put(vm_lease());
        provide({{"203.0.113.1", "52:54:00:00:00:01"}, {"203.0.113.5", good_mac}});
        store().write([](Rows& rows) {
            rows.guard.replace("dedibox", {{Mac::parse(good_mac), {Address::parse("203.0.113.5")}, std::nullopt}});
        });
        write_vm(vm_config({vm_net(good_mac)}));
    }
};

void damage_the_store(const CliHost& host, const std::string& how) {
    for (const auto* end : {"", "-wal", "-shm"}) std::filesystem::remove(host.store_file() + end);
    if (how == "unreadable") write_file(host.store_file(), std::string(8192, 'x'));
}

}  // namespace

TEST_CASE("every phase but pre-start passes at once, whatever else is wrong", "[pve]") {
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac)}));
    for (const auto* phase : {"post-start", "pre-stop", "post-stop", "something", ""}) {
        CAPTURE(phase);
        check_silent(host.call({"100", phase}));
    }
    check_silent(host.call({}));
    check_silent(host.call({"100"}));
    for (const auto* vmid : {"", "x", "-1", "0", "1x", "99999999999999999999", "../100"}) {
        CAPTURE(vmid);
        check_silent(host.call({vmid, "pre-start"}));
    }
    host.configure("this is no configuration\n");
    damage_the_store(host, "unreadable");
    check_silent(host.call({"100", "post-stop"}));
}

TEST_CASE("a VM with a good lease starts without a word, and nobody is asked", "[pve]") {
    const Leased host;
    const auto watcher = host.watcher();
    write_file(host.path("nft"), "#!/bin/bash\ntouch '" + host.path("asked") + "'\nexit 1\n");
    std::filesystem::permissions(host.path("nft"), std::filesystem::perms::owner_all);
    const auto before = host.vm();
    check_silent(host.start());
    for (const auto* lock : {"backup", "suspended"}) {
        host.write_vm(vm_config({vm_net(good_mac)}, std::string{"lock: "} + lock + "\n"));
        check_silent(host.start());
    }
    host.write_vm(before);
    check_silent(host.start("pve2"));
    CHECK(host.vm() == before);
    CHECK(watcher.requests().empty());
    CHECK_FALSE(std::filesystem::exists(host.path("asked")));
}

TEST_CASE("a guest without a managed NIC starts, and costs no look at the store", "[pve]") {
    const PveHookHost host;
    damage_the_store(host, "missing");
    host.write_vm(vm_config({"virtio=" + std::string{random_mac} + ",bridge=br9"}));
    const auto foreign = vm_config({"virtio=" + std::string{random_mac}});
    host.write_vm(foreign.substr(0, foreign.find("\n[before]")));
    check_silent(host.start());
    host.write_vm(vm_config({vm_net(random_mac) + ",tag=5"}));
    check_silent(host.start());
    CHECK_FALSE(std::filesystem::exists(host.store_file()));
}

TEST_CASE("without a usable configuration every guest starts", "[pve]") {
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac)}));
    host.configure("this is no configuration\n");
    check_silent(host.start());
    host.configure("");
    check_silent(host.start());
}

TEST_CASE("under a lock nothing is written or queued: a wrong MAC starts behind the guard only", "[pve]") {
    const std::string lock = GENERATE("backup", "suspended", "rollback");
    CAPTURE(lock);
    const PveHookHost host;
    const auto watcher = host.watcher();
    const auto text = vm_config({vm_net(random_mac)}, "lock: " + lock + "\n");
    host.write_vm(text);
    check_refused(host.start(), "its lock (" + lock + ") lets nobody write its config");
    CHECK_THAT(host.start().err, Contains("failover-ip guard up"));
    host.guard_up();
    check_silent(host.start());
    CHECK(host.vm() == text);
    CHECK(host.has_queued_nothing());
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
}

TEST_CASE("a template is let through: only its backup can call a hookscript", "[pve]") {
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac)}, "template: 1\nlock: backup\n"));
    check_silent(host.start());
}

TEST_CASE("a rollback that goes on with its memory is not made a cold start", "[pve]") {
    const PveHookHost host;
    const auto text = vm_config({vm_net(random_mac)}, "parent: before\n");
    host.write_vm(text);
    host.guard_up();
    // Proxmox' worker calls itself after its task; a guest's own hookscript may call ours.
    const auto start_as = [&](const std::string& task) {
        const std::string own = "bash -c '\"$@\"; exit $?' bash \"${@:2}\"; exit $?";
        return host.run({"/bin/bash", "-c", "exec -a \"task UPID:pve1:1:2:3:$1:100:root@pam:\" " + own, "bash", task,
                         "/usr/bin/env", "PATH=" + host.path("programs") + ":/usr/sbin:/usr/bin", host.hook, "100",
                         "pre-start"});
    };
    check_silent(start_as("qmrollback"));
    CHECK(host.vm() == text);
    CHECK(host.has_queued_nothing());
    check_refused(start_as("qmstart"), "this start is refused, and another one is queued");
    CHECK(host.vm() != text);
}

TEST_CASE("a NIC that a resume puts into its pending bridge is judged by that, with the MAC that it wears", "[pve]") {
    const Leased host;
    const auto text = [](const std::string& mac, const std::string& bridge, const std::string& pending) {
        auto config = vm_config({vm_net(mac, bridge)}, "lock: suspended\nvmstate: local:100/vm-100-state.raw\n");
        return config.insert(config.find("\n[before]"), "\n[PENDING]\n" + pending + "\n");
    };
    const auto wrong = text(random_mac, "br9", "net0: " + vm_net(random_mac));
    host.write_vm(wrong);
    check_refused(host.start(), "net0 on br0, and its lock (suspended) lets nobody write its config");
    host.write_vm(text(random_mac, "br9", "net0: " + vm_net(good_mac)));  // not before its next start
    check_refused(host.start(), random_mac_in_words);
    check_silent(host.start("pve2"));  // an incoming migration takes nothing that is pending
    host.write_vm(text(random_mac, "br0", "net0: " + vm_net(good_mac, "br9")));
    check_refused(host.start(), random_mac_in_words);
    host.write_vm(text(random_mac, "br9", "net0: " + vm_net(good_mac) + ",tag=5"));
    check_silent(host.start());
    host.write_vm(text(random_mac, "br9", "net1: " + vm_net(random_mac)));
    check_silent(host.start());
    host.write_vm(text(good_mac, "br9", "net0: " + vm_net(random_mac)));
    check_silent(host.start());
    host.write_vm(wrong);
    host.guard_up();
    check_silent(host.start());
    CHECK(host.vm() == wrong);
    CHECK(host.has_queued_nothing());
}

TEST_CASE("a live migration is checked by the config on the node that it comes from", "[pve]") {
    const PveHookHost host;
    const auto watcher = host.watcher();
    const auto source = host.file("nodes/pve2/qemu-server/100.conf");
    const auto wrong = vm_config({vm_net(random_mac)});
    write_file(source, wrong);
    check_refused(host.start("pve2"), "an incoming migration keeps its MAC");
    host.guard_up();
    check_silent(host.start("pve2"));
    CHECK(read_file(source) == wrong);
    CHECK_FALSE(std::filesystem::exists(host.file()));
    CHECK(host.has_queued_nothing());

    REQUIRE(host.run({"failover-ip", "guard", "down"}).exit_code == 0);
    write_file(source, vm_config({vm_net(good_mac)}));
    host.put(vm_lease());
    check_silent(host.start("pve2"));
    auto away = vm_lease();
    away.state = LeaseState::away;
    host.put(away);
    check_refused(host.start("pve2"), "203.0.113.5 is not routed to this server yet");
    host.guard_up();
    check_silent(host.start("pve2"));
    CHECK(watcher.requests().empty());  // it still runs there: its address is not moved before its config comes
}

TEST_CASE("where a config cannot be read a guest starts behind the guard only", "[pve]") {
    const PveHookHost host;
    SECTION("no such guest") {}
    SECTION("pmxcfs is down") {
        std::filesystem::remove_all(host.pve());
        std::filesystem::create_directory(host.pve());
    }
    SECTION("it is on another node, and nothing says that it comes from there") {
        write_file(host.file("nodes/pve2/qemu-server/100.conf"), vm_config({vm_net(random_mac)}));
    }
    SECTION("it is no file") {
        std::filesystem::create_directory(host.file());
    }
    check_refused(host.start(), "failover-ip guard up");
    check_refused(host.start("../pve2"), "failover-ip guard up");
    host.guard_up();
    check_silent(host.start());
}

TEST_CASE("a config that names a managed bridge and is not readable is refused", "[pve]") {
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac)}) + std::string(1, '\0') + "\n");
    check_refused(host.start(), "guest 100 may not start: its config names a managed bridge");
}

TEST_CASE("without the store a VM starts if the kernel's set has its MAC, else not", "[pve]") {
    const std::string how = GENERATE("missing", "unreadable");
    CAPTURE(how);
    const Leased host;
    host.guard_up();
    damage_the_store(host, how);
    check_silent(host.start());
    host.write_vm(vm_config({vm_net(random_mac)}));
    check_refused(host.start(), "web1 (100) may not start: /var/lib/failover-ip/leases.db");
    REQUIRE(host.network.nft({"delete", "table", "bridge", "failover_ip"}).exit_code == 0);
    host.write_vm(vm_config({vm_net(good_mac)}));
    check_refused(host.start(), "leases.db");
    CHECK(host.has_queued_nothing());
}

TEST_CASE("hostile names stay on their line of the task log", "[pve]") {
    const PveHookHost host;
    auto text = vm_config({vm_net(random_mac)}, "lock: backup\n");
    text.replace(text.find("web1"), 4, "we\x1b[31mb");
    host.write_vm(text);
    const auto result = host.start();
    check_refused(result, "lock (backup)");
    CHECK(result.err.find('\x1b') == std::string::npos);
}
