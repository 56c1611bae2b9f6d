#include "cli_daemon.hpp"
#include "pve_setup_node.hpp"
#include "store/sqlite_lease_store.hpp"

using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// A guest as the watcher leaves it, with things of a person beside.
void dress(SetupNode& setup, const std::string& program, int vmid) {
    setup.node.must({program, "set", std::to_string(vmid), "--hookscript", own_hookscript, "--tags",
                     "fip-203.0.113.5;web", "--description",
                     "mine\n\n<!-- failover-ip --><b>net0</b> 203.0.113.5<!-- /failover-ip -->"});
}

bool is_bare(const SetupNode& setup, int vmid) {
    const auto text = setup.node.config(vmid).value_or("");
    const auto main = text.substr(0, text.find("\n["));
    return setup.node.config_value(vmid, "hookscript").empty() && setup.node.config_value(vmid, "tags") == "web" &&
           main.find("203.0.113.5") == std::string::npos && main.find("#mine") != std::string::npos;
}

}  // namespace

TEST_CASE("uninstall takes everything of ours out of the guests, and leaves what is theirs") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.configure();
    REQUIRE(setup.install().exit_code == 0);
    setup.create(100);
    dress(setup, "qm", 100);
    const auto net = setup.node.config_value(100, "net0");
    setup.node.put_snippet("own", "#!/bin/sh\n");
    setup.create(101, {"--hookscript", "local:snippets/own", "--tags", "web"});
    const auto other = setup.node.config(101);
    setup.node.must({"qm", "snapshot", "100", "before"});
    const std::string theirs = "[OPTIONS]\nenable: 1\n";
    setup.node.write("/etc/pve/firewall/100.fw",
                     theirs + "\n[IPSET ipfilter-net0] # failover-ip\n\n203.0.113.5/32\n\n");

    const auto planned = setup.uninstall({"--dry-run"});
    CHECK(planned.exit_code == 0);
    CHECK_THAT(planned.out, Contains("guest 100: would be freed of ours: hookscript, tags, description"));
    CHECK_THAT(planned.out, Contains("guest 100: would be freed of ours: its ipfilter sets"));
    CHECK_FALSE(is_bare(setup, 100));
    CHECK(setup.node.exists("/etc/pve/failover-ip/pve"));

    const auto result = setup.uninstall();
    CAPTURE(result.out, result.err, *setup.node.config(100));
    CHECK(result.exit_code == 0);
    CHECK(is_bare(setup, 100));
    CHECK(setup.node.read("/etc/pve/firewall/100.fw") == theirs);
    CHECK(setup.node.config_value(100, "net0") == net);
    CHECK(setup.node.config(101) == other);
    CHECK_FALSE(setup.node.exists("/etc/pve/failover-ip/pve"));
    CHECK(setup.node.exists(config_file));
    CHECK_THAT(result.out, Contains("failover-ip lease release"));

    // The snapshot brings the hookscript back, and the guest still starts.
    setup.node.must({"qm", "rollback", "100", "before"});
    REQUIRE(setup.node.config_value(100, "hookscript") == own_hookscript);
    CHECK(setup.node.run({"qm", "start", "100"}).exit_code == 0);

    const auto again = setup.uninstall();
    CHECK(again.exit_code == 0);
    CHECK(setup.node.config_value(100, "hookscript").empty());
    CHECK_THAT(setup.uninstall().out, Contains("guests: nothing of ours") && Contains("does nothing already"));
}

TEST_CASE("uninstall frees containers, too") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    REQUIRE(setup.install().exit_code == 0);
    setup.node.must({"pct", "create", "200", "local:vztmpl/x.tar.zst", "--hostname", "ct", "--net0",
                     "name=eth0,bridge=vmbr0,ip=203.0.113.5/32,gw=192.0.2.1"});
    setup.node.must({"pct", "set", "200", "--hookscript", own_hookscript, "--tags", "fip-203.0.113.5"});
    const auto net = setup.node.config_value(200, "net0");
    const auto result = setup.uninstall();
    CAPTURE(result.out, result.err);
    CHECK(result.exit_code == 0);
    CHECK(setup.node.config_value(200, "hookscript").empty());
    CHECK(setup.node.config_value(200, "tags").empty());
    CHECK(setup.node.config_value(200, "net0") == net);  // its lease stays, so it keeps its address
}

TEST_CASE("uninstall names a locked guest and goes on where it stopped") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    REQUIRE(setup.install().exit_code == 0);
    for (const int vmid : {100, 101}) {
        setup.create(vmid);
        dress(setup, "qm", vmid);
    }
    const auto file = "/etc/pve/nodes/pve/qemu-server/100.conf";
    const auto text = setup.node.read(file);
    setup.node.write(file, "lock: backup\n" + text);
    const auto result = setup.uninstall();
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("guest 100: is locked (backup), and keeps hookscript, tags, description"));
    CHECK_FALSE(is_bare(setup, 100));
    CHECK(is_bare(setup, 101));

    setup.node.write(file, text);
    CHECK(setup.uninstall().exit_code == 0);
    CHECK(is_bare(setup, 100));
}

TEST_CASE("uninstall stops the watcher before it changes guests, and not at all while one runs") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.boot_systemd();
    setup.configure();
    REQUIRE(setup.install().exit_code == 0);
    setup.create(100);
    dress(setup, "qm", 100);
    {
        const CliDaemon by_hand{setup.node.outside("/run/failover-ip/proxmox.sock"), CliDaemon::Manner::answers};
        const auto result = setup.uninstall();
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("still runs"));
        CHECK_FALSE(is_bare(setup, 100));
        CHECK_FALSE(setup.is_active("failover-ip-proxmox"));
    }
    CHECK(setup.uninstall().exit_code == 0);
    CHECK(is_bare(setup, 100));
    CHECK_FALSE(setup.is_enabled("failover-ip-proxmox"));
}

TEST_CASE("uninstall lets a VM go on that a killed watcher left paused in its firmware") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.configure();
    REQUIRE(setup.install().exit_code == 0);
    setup.create(100);
    setup.node.must({"qm", "start", "100"});
    const auto status = [&] { return setup.node.qmp(100, R"({"execute": "query-status"})"); };
    (void)setup.node.qmp(100, R"({"execute": "stop"})");
    REQUIRE_THAT(status(), Contains(R"("paused")"));
    auto boot = setup.node.read("/proc/sys/kernel/random/boot_id");
    boot.resize(boot.find('\n'));
    fip::store::SqliteLeaseStore store{setup.store_file(), 20s, fip::store::Access::create};
    store.write([&](fip::Rows& rows) {
        rows.guests.put({fip::NoteKind::restarting,
                         {fip::GuestKind::proxmox, "100"},
                         "",
                         "",
                         "",
                         setup.node.read("/run/qemu-server/100.pid"),
                         {{}, {}, boot}});
    });

    CHECK_THAT(setup.uninstall({"--dry-run"}).out, Contains("guest 100: would be let go on"));
    CHECK_THAT(status(), Contains(R"("paused")"));
    const auto result = setup.uninstall();
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("guest 100: let go on"));
    CHECK_THAT(status(), Contains(R"("running")"));
    CHECK(setup.uninstall().out.find("let go on") == std::string::npos);
}

TEST_CASE("uninstall ends well with a configuration that nobody can read") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.node.write(config_file, "this is no configuration\n");
    const auto result = setup.uninstall();
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("paused: ") && Contains("config.toml"));
}

TEST_CASE("uninstall says which nodes of the cluster go on, and leaves their guests to them") {
    PVE_SETUP_NODE_OR_SKIP();
    PveNode::Options options;
    options.other_nodes = {"pve2"};
    SetupNode setup{options};
    REQUIRE(setup.install().exit_code == 0);
    setup.node.other_node_puts("failover-ip/pve2", "0.1.0\n");
    const std::string foreign = "hookscript: local:snippets/failover-ip\nname: b\n";
    setup.node.other_node_puts("nodes/pve2/qemu-server/300.conf", foreign);
    const auto result = setup.uninstall();
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("still announced by pve2"));
    CHECK(setup.node.read("/etc/pve/nodes/pve2/qemu-server/300.conf") == foreign);
    CHECK(setup.node.exists("/etc/pve/failover-ip/pve2"));
}

TEST_CASE("uninstall changes nothing without a quorum") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    REQUIRE(setup.install().exit_code == 0);
    const auto before = setup.node.read(snippet);
    setup.node.quorum(false);
    const auto result = setup.uninstall();
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("no quorum"));
    CHECK(setup.node.read(snippet) == before);
    CHECK(setup.node.exists("/etc/pve/failover-ip/pve"));
}

TEST_CASE("uninstall on a node that never had it leaves nothing there") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    CHECK(setup.uninstall().exit_code == 0);
    CHECK_FALSE(setup.node.exists(snippet));
    CHECK_FALSE(setup.node.exists("/etc/pve/failover-ip"));
}
