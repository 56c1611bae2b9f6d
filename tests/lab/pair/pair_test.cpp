// libvirt's and Proxmox' guests on one host, from one pool: nobody gets, waits for, gives back or ends what is the
// other's.
#include "lab/pair/pair_lab.hpp"
#include "lab/preload.hpp"
#include "support/pve_node.hpp"
#include "support/wait_until.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

constexpr auto of_libvirt = GuestKind::libvirt;
constexpr auto of_proxmox = GuestKind::proxmox;

/// Without FUSE there is no node.
bool is_skipped() {
    const auto why = why_no_pve_node();
    if (!why.empty()) WARN("SKIPPED: " << why);
    return !why.empty();
}

/// Longer than two comparisons that are a grace apart.
void compare_twice() {
    std::this_thread::sleep_for(6s);
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

/// One of each kind, of the same name.
void make_namesakes(PairLab& pair) {
    pair.define("web1", 1);
    pair.create_vm(100, "web1");
    AWAIT(pair, pair.is_served(of_libvirt, "web1") && pair.is_served(of_proxmox, "web1", 100));
}

/// No address has two holders, no two NICs one MAC.
void check_nothing_is_mixed_up(const PairLab& pair) {
    std::set<std::string> addresses;
    std::set<std::string> macs;
    for (const auto kind : {of_libvirt, of_proxmox}) {
        for (const auto& lease : pair.held_by(kind)) {
            CHECK(addresses.insert(lease.address.text()).second);
            REQUIRE(lease.mac);
            CHECK(macs.insert(lease.mac->text()).second);
        }
    }
}

}  // namespace

TEST_CASE("a libvirt guest and a VM of the same name each get an address of their own", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();
    make_namesakes(pair);
    check_nothing_is_mixed_up(pair);

    SECTION("and people are told of both") {
        std::set<std::string> kinds;
        const auto list = boost::json::parse(pair.guard.cli({"lease", "list", "--json"}).out);
        for (const auto& lease : list.as_array()) {
            if (lease.at("guest").is_null()) continue;
            CHECK(lease.at("guest").at("name") == "web1");
            kinds.insert(lease.at("guest").at("kind").as_string().c_str());
        }
        CHECK(kinds == std::set<std::string>{"libvirt", "proxmox"});
        const auto explained = pair.guard.cli({"guest", "explain", "web1"});
        CHECK(explained.exit_code == 0);
        CHECK_THAT(explained.out, Contains("web1  (libvirt " + numbered_uuid(1)) && Contains("web1  (proxmox 100"));
        CHECK_THAT(explained.out, Contains(pair.lease_of(of_libvirt, "web1")->address.text() + "/32"));
        CHECK_THAT(explained.out, Contains(pair.lease_of(of_proxmox, "web1")->address.text() + "/32"));
        const auto compared = pair.guard.cli({"reconcile", "--json"});
        INFO(compared.err);
        CHECK(compared.exit_code == 0);
        const auto report = boost::json::parse(compared.out);
        CHECK(report.at("origins").as_array().size() >= 2);
        CHECK(report.at("gaps").as_array().empty());
    }
    SECTION("and the end of one is not the end of the other") {
        const auto stays = *pair.lease_of(of_proxmox, "web1");
        pair.lab.host.undefine("web1");
        AWAIT(pair, pair.held_by(of_libvirt).empty());
        compare_twice();
        CHECK(pair.is_served(of_proxmox, "web1", 100));
        CHECK(pair.lease_of(of_proxmox, "web1")->address == stays.address);
        CHECK(pair.vm_mac(100) == stays.mac->text());
    }
    SECTION("and both run behind one guard") {
        pair.lab.host.start("web1");
        pair.must({"qm", "start", "100"});
        compare_twice();
        CHECK(pair.lab.host.state("web1") == "running");
        CHECK_THAT(pair.must({"qm", "status", "100"}), Contains("running"));
        CHECK(pair.guard.state() == "up");
        pair.guard.require_clean_wire();
    }
}

TEST_CASE("whoever waits for an address gets the one that a guest of the other kind frees", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();

    SECTION("a VM, from libvirt") {
        for (int i = 1; i <= 4; ++i) pair.define("web" + std::to_string(i), i);
        AWAIT(pair, pair.held_by(of_libvirt).size() == 4);
        pair.create_vm(100, "late");
        AWAIT(pair, pair.is_waiting(of_proxmox, "late"));
        compare_twice();
        CHECK(pair.held_by(of_proxmox).empty());
        AWAIT(pair, pair.is_served(of_libvirt, "web2"));
        const auto freed = pair.lease_of(of_libvirt, "web2")->address;
        pair.lab.host.undefine("web2");
        AWAIT(pair, pair.is_served(of_proxmox, "late", 100));
        CHECK(pair.lease_of(of_proxmox, "late")->address == freed);
        CHECK_FALSE(pair.is_waiting(of_proxmox, "late"));
        CHECK(pair.held_by(of_libvirt).size() == 3);
    }
    SECTION("a libvirt guest, from Proxmox") {
        for (int i = 1; i <= 4; ++i) pair.create_vm(100 + i, "web" + std::to_string(i));
        AWAIT(pair, pair.held_by(of_proxmox).size() == 4);
        pair.define("late", 9);
        AWAIT(pair, pair.is_waiting(of_libvirt, "late"));
        compare_twice();
        CHECK(pair.held_by(of_libvirt).empty());
        AWAIT(pair, pair.is_served(of_proxmox, "web2", 102));
        const auto freed = pair.lease_of(of_proxmox, "web2")->address;
        pair.destroy_vm(102);
        AWAIT(pair, pair.is_served(of_libvirt, "late"));
        CHECK(pair.lease_of(of_libvirt, "late")->address == freed);
        CHECK_FALSE(pair.is_waiting(of_libvirt, "late"));
        CHECK(pair.held_by(of_proxmox).size() == 3);
    }
    check_nothing_is_mixed_up(pair);
}

TEST_CASE("a kind that has no guests left says nothing about the other's", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();
    pair.define("web1", 1);
    pair.define("web2", 2);
    pair.create_vm(101, "web1");
    pair.create_vm(102, "web2");
    AWAIT(pair, pair.is_served(of_libvirt, "web1") && pair.is_served(of_libvirt, "web2") &&
                    pair.is_served(of_proxmox, "web1", 101) && pair.is_served(of_proxmox, "web2", 102));

    SECTION("all VMs are destroyed") {
        pair.destroy_vm(101);
        pair.destroy_vm(102);
        AWAIT(pair, pair.held_by(of_proxmox).empty());
        compare_twice();
        CHECK(pair.is_served(of_libvirt, "web1"));
        CHECK(pair.is_served(of_libvirt, "web2"));
        CHECK(pair.guard.cli({"reconcile", "--confirm"}).exit_code == 0);
        CHECK(pair.held_by(of_libvirt).size() == 2);
    }
    SECTION("all definitions are removed") {
        pair.lab.host.undefine("web1");
        pair.lab.host.undefine("web2");
        AWAIT(pair, pair.held_by(of_libvirt).empty());
        compare_twice();
        CHECK(pair.is_served(of_proxmox, "web1", 101));
        CHECK(pair.is_served(of_proxmox, "web2", 102));
        CHECK(pair.guard.cli({"reconcile", "--confirm"}).exit_code == 0);
        CHECK(pair.held_by(of_proxmox).size() == 2);
    }
    CHECK(pair.lab.notes(NoteKind::absent).empty());
}

TEST_CASE("what a late start of a libvirt guest claimed is ended by libvirt's daemon alone", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    const auto clock = pair.lab.host.folder() + "/run/clock";
    const auto shifted = preload(Preload::clock_shift, {{"FIP_CLOCK_FILE", clock}});
    pair.start_libvirt_daemon();
    // A start that goes no further than the hook.
    IdleGuest guest;
    guest.interfaces = {bridge_nic("52:54:00:00:00:01")};
    const auto asked = pair.lab.host.exec(
        {"/etc/libvirt/hooks/qemu.d/50-failover-ip", guest.name, "prepare", "begin", "-"}, guest.xml());
    INFO(asked.err);
    REQUIRE(asked.exit_code == 0);
    REQUIRE(pair.lab.notes(NoteKind::claimed).size() == 1);
    REQUIRE(pair.held_by(of_libvirt).size() == 1);

    std::ofstream{clock} << "120 120";
    pair.start_watcher(shifted);
    compare_twice();
    CHECK(pair.lab.notes(NoteKind::claimed).size() == 1);
    CHECK(pair.held_by(of_libvirt).size() == 1);

    // It would have been late enough.
    CHECK(pair.lab.stop_daemon().exit_code == 0);
    pair.start_libvirt_daemon(shifted);
    AWAIT(pair, pair.lab.notes(NoteKind::claimed).empty() && pair.held_by(of_libvirt).empty());
}

TEST_CASE("a guest that virsh create starts keeps its address while the watcher compares", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();
    pair.create_vm(100, "web1");
    IdleGuest guest;
    guest.interfaces = {bridge_nic("52:54:00:00:00:01")};
    pair.lab.create(guest.xml());
    AWAIT(pair, pair.lab.is_right("web1") || pair.lease_of(of_libvirt, "web1"));
    AWAIT(pair, pair.lab.live_macs("web1") == std::vector{pair.lease_of(of_libvirt, "web1")->mac->text()});
    AWAIT(pair, pair.is_served(of_proxmox, "web1", 100));
    const auto address = pair.lease_of(of_libvirt, "web1")->address;
    compare_twice();
    REQUIRE(pair.lease_of(of_libvirt, "web1"));
    CHECK(pair.lease_of(of_libvirt, "web1")->address == address);
    check_nothing_is_mixed_up(pair);
    pair.lab.host.destroy("web1");
    AWAIT(pair, pair.held_by(of_libvirt).empty());
    CHECK(pair.is_served(of_proxmox, "web1", 100));
    pair.guard.require_clean_wire();
}

TEST_CASE("one SIGHUP brings a changed configuration to both daemons", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();
    make_namesakes(pair);
    pair.guard.configure("observe");
    pair.lab.reload();
    const auto is_reloaded = [](const std::string& log) { return log.find("reloaded: ") != log.npos; };
    AWAIT(pair, is_reloaded(pair.lab.log()) && is_reloaded(pair.watcher_log()));
    compare_twice();
    CHECK(count(pair.lab.log(), "reloaded: ") == 1);
    CHECK(count(pair.watcher_log(), "reloaded: ") == 1);
    CHECK(pair.is_served(of_libvirt, "web1"));
    CHECK(pair.is_served(of_proxmox, "web1", 100));
    CHECK(pair.held_by(of_libvirt).size() == 1);
    CHECK(pair.held_by(of_proxmox).size() == 1);
}

TEST_CASE("two daemons at rest leave the guard's tables alone", "[lab]") {
    if (is_skipped()) return;
    PairLab pair;
    pair.start_both();
    make_namesakes(pair);
    AWAIT(pair, pair.guard.state() == "up" && pair.guard.has_last_wall());
    compare_twice();  // what the last MACs brought is written
    auto monitor = pair.lab.host.spawn({"nft", "monitor"});
    // It says nothing before something changes: a table of ours shows that it listens.
    AWAIT(pair, [&] {
        static_cast<void>(pair.lab.host.exec({"nft", "add", "table", "ip", "heard"}));
        static_cast<void>(pair.lab.host.exec({"nft", "delete", "table", "ip", "heard"}));
        return monitor.out().find("heard") != std::string::npos;
    }());
    std::this_thread::sleep_for(500ms);  // its last words
    const auto before = monitor.out();
    std::this_thread::sleep_for(10s);
    CHECK(monitor.out().substr(before.size()).empty());
    CHECK(pair.guard.state() == "up");
}
