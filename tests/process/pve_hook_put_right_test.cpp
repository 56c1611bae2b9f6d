// The hookscript puts a wrong MAC right: written, this start refused, another one queued.
#include "pve_hook_host.hpp"

#include <filesystem>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto first_mac = "52:54:00:00:00:01";
constexpr auto second_mac = "52:54:00:00:00:02";
constexpr auto no_process = "4194305";  // the kernel counts less far

std::string in_config(std::string mac) {
    for (auto& letter : mac) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return mac;
}

void check_put_right(const Result& result, const std::string& macs) {
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(result.err == "failover-ip: web1 (100): " + macs + "; this start is refused, and another one is queued\n");
}

}  // namespace

TEST_CASE("a wrong MAC is put right in the config, and one start is queued", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    const auto watcher = host.watcher();
    host.write_vm(vm_config({vm_net(random_mac)}));
    check_put_right(host.start(), std::string{"net0 now has its virtual MAC "} + first_mac);

    CHECK(host.vm() == vm_config({vm_net(in_config(first_mac))}));
    CHECK_FALSE(host.has_left_files());
    CHECK(host.find("203.0.113.1")->guest == GuestId{GuestKind::proxmox, std::string{"100/"} + vm_uuid});
    CHECK(host.find("203.0.113.1")->slot == "net0");
    CHECK(host.find("203.0.113.1")->origin == "pve1/proxmox");  // this node's listings speak for it
    CHECK(host.find("203.0.113.2")->state == LeaseState::warm);
    CHECK(watcher.requests() == std::vector<std::string>{"starting"});
    REQUIRE(host.notes(NoteKind::queued_start).size() == 1);
    CHECK(host.notes(NoteKind::queued_start)[0].text == std::string{"net0 bc:24:11:00:00:99"});
    // Nothing of the caller's is held: Proxmox reads the hook's output to its end.
    CHECK_THAT(host.queued(), Contains("qm start 100 | /dev/null /dev/null /dev/null | unset |") &&
                                  !Contains("leases.db") && !Contains("socket:"));

    SECTION("which then finds the guest good") {
        check_silent(host.start());
        CHECK(host.notes(NoteKind::queued_start).empty());
        SECTION("so that the same may be put right another time, say after a rollback") {
            std::filesystem::remove(host.path("queued"));
            host.write_vm(vm_config({vm_net(random_mac)}));
            check_put_right(host.start(), std::string{"net0 now has its virtual MAC "} + first_mac);
            CHECK_THAT(host.queued(), Contains("qm start 100"));
        }
    }
    SECTION("whoever puts the same MAC back gets no second one: no guest starts for ever") {
        std::filesystem::remove(host.path("queued"));
        host.write_vm(vm_config({vm_net(random_mac)}));
        check_refused(host.start(), "none is queued: find out what puts back net0 bc:24:11:00:00:99");
        CHECK(host.vm() == vm_config({vm_net(in_config(first_mac))}));
        CHECK(host.has_queued_nothing());
        check_silent(host.start());
    }
}

TEST_CASE("a container is put right as a VM is", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    write_file(host.pve() + "/corosync.conf", "totem {\n  cluster_name: rack4\n  version: 2\n}\n");
    const auto file = host.file("nodes/pve1/lxc/200.conf");
    const std::string text =
        "arch: amd64\nhostname: ct1\nnet0: name=eth0,bridge=br0,hwaddr=BC:24:11:00:00:99,type=veth\n"
        "lxc.cap.drop: x\n";
    write_file(file, text);
    const auto result = host.call({"200", "pre-start"});
    check_refused(result, std::string{"ct1 (200): net0 now has its virtual MAC "} + first_mac);
    auto right = text;
    right.replace(right.find(random_mac), 17, in_config(first_mac));
    CHECK(read_file(file) == right);
    CHECK(host.find("203.0.113.1")->guest == GuestId{GuestKind::proxmox, "200"});
    CHECK(host.find("203.0.113.1")->origin == "rack4/proxmox");
    CHECK_THAT(host.queued(), Contains("pct start 200 |"));
    check_silent(host.call({"200", "pre-start"}));
}

TEST_CASE("every NIC of a VM gets its own MAC, also one that has none", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac), "e1000,bridge=br0", vm_net(random_mac, "br9")}));
    check_put_right(host.start(), std::string{"net0 now has its virtual MAC "} + first_mac +
                                      ", net1 now has its virtual MAC " + second_mac);
    CHECK(host.vm() == vm_config({vm_net(in_config(first_mac)), "e1000=" + in_config(second_mac) + ",bridge=br0",
                                  vm_net(random_mac, "br9")}));
    CHECK_THAT(host.queued(), Contains("qm start 100"));
}

TEST_CASE("a copy that wears the MAC of a living original gets one of its own", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    auto original = vm_lease();
    original.guest = GuestId{GuestKind::proxmox, "101/4dea22b3-1d52-48f3-9516-782e98a23fa1"};
    original.guest_name = "mail";
    host.put(original);
    const auto copied = vm_net("52:54:00:00:00:05");
    host.write_vm(vm_config({copied}, "lock: backup\n"));
    host.guard_up();
    check_refused(host.start(), "belongs to the guest mail (203.0.113.5)");
    host.write_vm(vm_config({copied}));
    check_put_right(host.start(), std::string{"net0 now has its virtual MAC "} + first_mac);
    CHECK(host.find("203.0.113.5")->guest == original.guest);
    CHECK_THAT(host.queued(), Contains("qm start 100"));
}

TEST_CASE("a start waits for a MAC that the provider still has to make, and no longer than the deadline", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    host.store().write([](Rows& rows) { rows.leases.erase(Address::parse("203.0.113.1")); });
    host.store().write([](Rows& rows) { rows.leases.erase(Address::parse("203.0.113.2")); });
    host.provide({{"203.0.113.1", ""}});
    const auto text = vm_config({vm_net(random_mac)});
    host.write_vm(text);

    SECTION("which nobody makes") {
        host.shorten_deadline();
        const auto watcher = host.watcher();
        check_refused(host.start(), "its virtual MAC is being made at the provider: try again");
        CHECK(watcher.requests() == std::vector<std::string>{"starting", "work"});
    }
    SECTION("for which nobody is there") {
        check_refused(host.start(), "systemctl start failover-ip-proxmox");
    }
    SECTION("which is made meanwhile") {
        host.configure("[hook]\ndeadline = \"20s\"\n" + read_file(host.path("etc/config.toml")));
        const auto watcher = host.watcher();
        std::thread provider{[&] {
            if (!wait_until([&] { return watcher.requests().size() == 2; }, 20s)) return;
            auto lease = *host.find("203.0.113.1");
            lease.state = LeaseState::active;
            lease.mac = Mac::parse(first_mac);
            host.put(lease);
        }};
        const auto result = host.start();
        provider.join();
        check_put_right(result, std::string{"net0 now has its virtual MAC "} + first_mac);
        CHECK_THAT(host.queued(), Contains("qm start 100"));
        return;
    }
    CHECK(host.vm() == text);
    CHECK(host.notes(NoteKind::queued_start).empty());
    CHECK(host.has_queued_nothing());
}

TEST_CASE("an empty pool refuses the start with its reason, and changes nothing", "[pve]") {
    const PveHookHost host;
    for (const auto* address : {"203.0.113.1", "203.0.113.2"}) {
        auto lease = vm_lease();
        lease.address = Address::parse(address);
        lease.mac = host.find(address)->mac;
        lease.guest = GuestId{GuestKind::proxmox, std::string{"30"} + address[10]};
        host.put(lease);
    }
    const auto text = vm_config({vm_net(random_mac)});
    host.write_vm(text);
    check_refused(host.start(), "the pool \"public\" has no free address");
    CHECK(host.vm() == text);
    CHECK(host.notes(NoteKind::queued_start).empty());
    CHECK(host.has_queued_nothing());
}

TEST_CASE("a guest that was here before us is not written to before a person says so", "[pve]") {
    const PveHookHost host;
    host.store().write([](Rows& rows) {
        rows.guests.put(
            {NoteKind::held_back, {GuestKind::proxmox, std::string{"100/"} + vm_uuid}, "", "web1", "", "", {}});
    });
    const auto text = vm_config({vm_net(random_mac)});
    host.write_vm(text);
    check_refused(host.start(), "failover-ip reconcile");
    CHECK(host.vm() == text);
    CHECK(host.has_queued_nothing());
}

TEST_CASE("what cannot be written is not queued either, and may be tried again", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    const auto text = vm_config({vm_net(random_mac)});
    host.write_vm(text);
    // The folder is read-only, as all of /etc/pve is without a quorum.
    const auto folder = host.file("nodes/pve1/qemu-server");
    const auto result = host.run({"/bin/bash", "-c",
                                  "mount --bind -o ro \"$0\" /etc/pve/nodes/pve1/qemu-server && "
                                  "mount -o remount,bind,ro /etc/pve/nodes/pve1/qemu-server && "
                                  "exec \"$1\" 100 pre-start",
                                  folder, host.hook});
    check_refused(result, "100.conf cannot be written");
    CHECK(host.vm() == text);
    CHECK(host.notes(NoteKind::queued_start).empty());
    check_put_right(host.start(), std::string{"net0 now has its virtual MAC "} + first_mac);
    CHECK_THAT(host.queued(), Contains("qm start 100"));
}

TEST_CASE("killed after any step the next start ends in a right config", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    host.write_vm(vm_config({vm_net(random_mac)}));
    SECTION("the queued start was noted, and nothing written") {
        host.store().write([](Rows& rows) {
            rows.guests.put({NoteKind::queued_start,
                             {GuestKind::proxmox, std::string{"100/"} + vm_uuid},
                             "",
                             "web1",
                             "",
                             "net0 bc:24:11:00:00:99",
                             {}});
        });
    }
    SECTION("the new text lay beside the config") {
        write_file(host.file() + ".tmp." + no_process, "net0");
    }
    CHECK(host.start().exit_code == 1);
    CHECK_FALSE(host.has_left_files());
    CHECK(host.vm() == vm_config({vm_net(in_config(first_mac))}));
    if (host.notes(NoteKind::queued_start)[0].at.boot.count() != 0) CHECK_THAT(host.queued(), Contains("qm start 100"));
    check_silent(host.start());
}
