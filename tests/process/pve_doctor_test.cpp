#include "cli_daemon.hpp"
#include "doctor/check.hpp"
#include "pve_setup_node.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/wait_until.hpp"

#include <algorithm>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using doctor::Health;

namespace {

struct DoctorNode : SetupNode {
    using SetupNode::SetupNode;

    doctor::Checks examine() {
        const auto result = call({"doctor", "--json"});
        auto checks = doctor::parse_checks(result.out);
        CHECK(result.exit_code == doctor::exit_code_of(checks));
        return checks;
    }
    doctor::Check check(const std::string& name) {
        for (auto& each : examine()) {
            if (each.name == name) return each;
        }
        return {"absent", Health::fail, "", ""};
    }
    store::SqliteLeaseStore store() { return {store_file(), 5s, store::Access::create}; }
};

/// A node with one guest that has all it needs.
struct HealthyNode : DoctorNode {
    HealthyNode() {
        configure();
        REQUIRE(install().exit_code == 0);
        create(100, {"--hookscript", own_hookscript});
        node.must({"qm", "set", "100", "--net0", "virtio=52:54:00:00:00:05,bridge=vmbr0"});
        store().write([](Rows& rows) {
            Lease lease;
            lease.address = Address::parse("203.0.113.5");
            lease.provider = "hand";
            lease.pool = "public";
            lease.state = LeaseState::active;
            lease.guest = GuestId{GuestKind::proxmox, "100/x"};
            lease.slot = "net0";
            lease.mac = Mac::parse("52:54:00:00:00:05");
            rows.leases.put(lease);
        });
    }
    CliDaemon watcher{node.outside("/run/failover-ip/proxmox.sock"), CliDaemon::Manner::answers};
};

}  // namespace

TEST_CASE("the doctor finds nothing wrong with a node that is well") {
    PVE_SETUP_NODE_OR_SKIP();
    HealthyNode node;
    for (const auto& check : node.examine()) {
        CAPTURE(check.name, check.text);
        CHECK(check.health == Health::ok);
    }
    const auto shown = node.call({"doctor"});
    CHECK(shown.exit_code == 0);
    CHECK_THAT(shown.out, Contains("ok    snippet: ") && !Contains("FAIL") && !Contains("WARN"));
}

TEST_CASE("the doctor names each thing that is wrong, and what to do") {
    PVE_SETUP_NODE_OR_SKIP();
    HealthyNode node;
    SECTION("no snippet") {
        std::filesystem::remove(node.node.outside(snippet));
        CHECK(node.check("snippet").health == Health::fail);
        CHECK_THAT(node.check("snippet").hint, Contains("failover-ip-proxmox install"));
    }
    SECTION("another snippet") {
        node.node.put_snippet("failover-ip", "#!/bin/sh\n");
        CHECK_THAT(node.check("snippet").text, Contains("not the one of this version"));
    }
    SECTION("a snippet that cannot be executed") {
        std::filesystem::permissions(node.node.outside(snippet), std::filesystem::perms{0644});
        CHECK_THAT(node.check("snippet").text, Contains("cannot be executed"));
    }
    SECTION("not announced") {
        std::filesystem::remove(node.node.outside("/etc/pve/failover-ip/pve"));
        CHECK(node.check("announced").health == Health::warn);
    }
    SECTION("no quorum") {
        node.node.quorum(false);
        CHECK(node.check("quorum").health == Health::fail);
    }
    SECTION("pmxcfs is down") {
        node.node.pmxcfs_down();
        CHECK(node.check("pmxcfs").health == Health::fail);
        CHECK(node.check("duplicate-macs").name == "absent");  // nothing is concluded from an empty folder
    }
    SECTION("a MAC that two guests wear") {
        node.create(101, {"--hookscript", own_hookscript});
        node.node.must({"qm", "set", "101", "--net0", "virtio=52:54:00:00:00:05,bridge=vmbr0"});
        CHECK(node.check("duplicate-macs").health == Health::fail);
        CHECK_THAT(node.check("duplicate-macs").text, Contains("52:54:00:00:00:05 (100 net0, 101 net0)"));
    }
    SECTION("a MAC that is not registered, and no hookscript") {
        node.create(101);
        CHECK(node.check("registered-macs").health == Health::fail);
        CHECK_THAT(node.check("registered-macs").text, Contains("101 net0"));
        CHECK_THAT(node.check("hookscripts").text, Contains("101 (none)"));
    }
    SECTION("another hookscript") {
        node.node.put_snippet("own", "#!/bin/sh\n");
        node.node.must({"qm", "set", "100", "--hookscript", "local:snippets/own"});
        CHECK(node.check("hookscripts").health == Health::warn);
        CHECK_THAT(node.check("hookscripts").text, Contains("100 (local:snippets/own)"));
    }
    SECTION("a guest that waits") {
        node.store().write([](Rows& rows) {
            GuestNote note;
            note.kind = NoteKind::waiting;
            note.guest = {GuestKind::proxmox, "105/x"};
            note.slot = "net0";
            note.name = "late";
            note.text = "the pool public has no free address";
            rows.guests.put(note);
        });
        CHECK(node.check("waiting").health == Health::warn);
        CHECK_THAT(node.check("waiting").text, Contains("late net0"));
    }
    SECTION("a bad configuration") {
        node.node.write(config_file, "nonsense");
        CHECK(node.check("configuration").health == Health::fail);
    }
}

TEST_CASE("a config that cannot be read is named, and hides no other guest from the doctor") {
    PVE_SETUP_NODE_OR_SKIP();
    HealthyNode node;
    node.node.other_node_puts("nodes/pve/qemu-server/105.conf", std::string{"name: a\0b\n", 10});
    CHECK(node.check("guest:105").health == Health::fail);
    CHECK_THAT(node.check("guest:105").hint, Contains("105.conf"));
    CHECK(node.check("hookscripts").health == Health::ok);
    CHECK(node.check("registered-macs").health == Health::ok);
}

TEST_CASE("the doctor says that nobody watches") {
    PVE_SETUP_NODE_OR_SKIP();
    DoctorNode node;
    CHECK(node.check("watcher").health == Health::fail);
}

TEST_CASE("guests on other bridges, and templates, are none of the doctor's business") {
    PVE_SETUP_NODE_OR_SKIP();
    HealthyNode node;
    node.node.must({"ip", "link", "add", "vmbr9", "type", "bridge"});
    node.node.must({"qm", "create", "110", "--net0", "virtio,bridge=vmbr9"});
    node.create(111);
    node.node.must({"qm", "template", "111"});
    for (const auto& check : node.examine()) {
        CAPTURE(check.name, check.text);
        CHECK(check.health == Health::ok);
    }
}

TEST_CASE("a node goes from install to its first VM, and back") {
    PVE_SETUP_NODE_OR_SKIP();
    DoctorNode node;
    node.configure();
    REQUIRE(node.install().exit_code == 0);
    auto watcher = node.node.spawn({std::string{FIP_BIN} + "/failover-ip-proxmox", "watch"});
    REQUIRE(wait_until([&] { return node.check("watcher").health == Health::ok; }, 20s));
    node.create(100);
    const auto is_served = [&] {
        return node.node.config_value(100, "hookscript") == own_hookscript &&
               node.node.config_value(100, "tags").starts_with("fip-203.0.113.");
    };
    const bool has_come = wait_until(is_served, 20s);
    CAPTURE(watcher.err());
    REQUIRE(has_come);
    const auto is_well = [&] {
        const auto checks = node.examine();
        return std::ranges::all_of(checks, [](const doctor::Check& check) { return check.health == Health::ok; });
    };
    CHECK(wait_until(is_well, 20s));
    CAPTURE(node.call({"doctor"}).out);
    CHECK(node.node.run({"qm", "start", "100"}).exit_code == 0);

    CHECK(node.uninstall().exit_code == 1);  // the watcher still runs
    CHECK(watcher.stop().exit_code == 0);
    const auto net = node.node.config_value(100, "net0");
    CHECK(node.uninstall().exit_code == 0);
    CHECK(node.node.config_value(100, "hookscript").empty());
    CHECK(node.node.config_value(100, "tags").empty());
    CHECK(node.node.config_value(100, "net0") == net);
    node.node.must({"qm", "stop", "100"});
    CHECK(node.node.run({"qm", "start", "100"}).exit_code == 0);
}
