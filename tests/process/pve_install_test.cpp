#include "pve_setup_node.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

using namespace fip::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

namespace fs = std::filesystem;

mode_t mode_of(const SetupNode& setup, const std::string& path) {
    struct stat found {};
    return ::lstat(setup.node.outside(path).c_str(), &found) == 0 ? found.st_mode : 0;
}

ino_t inode_of(const SetupNode& setup, const std::string& path) {
    struct stat found {};
    return ::lstat(setup.node.outside(path).c_str(), &found) == 0 ? found.st_ino : 0;
}

std::string packaged() {
    std::ifstream file{std::string{FIP_BIN} + "/failover-ip-proxmox-hook", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool has_packaged_snippet(const SetupNode& setup) {
    return S_ISREG(mode_of(setup, snippet)) && (mode_of(setup, snippet) & 07777U) == 0755 &&
           setup.node.read(snippet) == packaged();
}

std::vector<std::string> snippets(const SetupNode& setup) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{setup.node.outside("/var/lib/vz/snippets")})
        names.push_back(entry.path().filename());
    return names;
}

void check_untouched(const SetupNode& setup) {
    CHECK_FALSE(setup.node.exists(snippet));
    CHECK_FALSE(setup.node.exists("/etc/pve/failover-ip"));
    CHECK_FALSE(setup.node.exists(config_file));
}

}  // namespace

TEST_CASE("install makes a fresh node ready, and says what a person must do next") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    const auto result = setup.install();
    CAPTURE(result.out, result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    CHECK(has_packaged_snippet(setup));
    CHECK(setup.node.read("/etc/pve/failover-ip/pve").size() > 1);
    CHECK_THAT(setup.node.read(config_file), Contains("bridges = [\"vmbr0\"]") && Contains("CHANGE-ME"));
    CHECK((mode_of(setup, config_file) & 0777U) == 0600);
    CHECK_THAT(result.out, Contains("snippet: copied to /var/lib/vz/snippets/failover-ip\n") &&
                               Contains("announcement: written to /etc/pve/failover-ip/pve\n") &&
                               Contains("configuration: written as an example for vmbr0") &&
                               Contains("failover-ip config check"));
}

TEST_CASE("install said twice changes nothing, and says so") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    REQUIRE(setup.install().exit_code == 0);
    const auto before = inode_of(setup, snippet);
    const auto version = setup.node.read("/etc/pve/.version");
    const auto config = inode_of(setup, config_file);
    const auto result = setup.install();
    CAPTURE(result.out, result.err);
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("snippet: /var/lib/vz/snippets/failover-ip is up to date") &&
                               Contains("config.toml is there, and left as it is"));
    CHECK(inode_of(setup, snippet) == before);
    CHECK(inode_of(setup, config_file) == config);
    CHECK(setup.node.read("/etc/pve/.version") == version);
    CHECK(snippets(setup) == std::vector<std::string>{"failover-ip"});
}

TEST_CASE("install --dry-run says what it would do, and does nothing") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.boot_systemd();
    setup.configure();
    fs::remove(setup.node.outside(config_file));
    const auto result = setup.install({"--dry-run"});
    CAPTURE(result.out, result.err);
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("snippet: would be copied to ") && Contains("announcement: would be written to "));
    check_untouched(setup);
    CHECK_FALSE(setup.node.exists("/run/units/calls"));
}

TEST_CASE("install --json says each step in one line") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    const auto result = setup.install({"--json"});
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, StartsWith("[{\"step\":\"snippet\",\"result\":\"done\",\"text\":"));
    CHECK(result.out.find('\n') == result.out.size() - 1);
}

TEST_CASE("install changes nothing without a quorum, or without pmxcfs") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    SECTION("no quorum") {
        setup.node.quorum(false);
        const auto result = setup.install();
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("no quorum") && Contains("pvecm status"));
        check_untouched(setup);
        setup.node.quorum(true);
        CHECK(setup.install().exit_code == 0);
    }
    SECTION("pmxcfs is down") {
        setup.node.pmxcfs_down();
        const auto result = setup.install();
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("pmxcfs is not running"));
        check_untouched(setup);
    }
}

TEST_CASE("install refuses a Proxmox VE that is too old, and what is none") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    SECTION("Proxmox VE 7") {
        setup.node.write("/usr/bin/pveversion", "#!/bin/sh\necho 'pve-manager/7.4-17/513c62be (running kernel: x)'\n",
                         true);
        const auto result = setup.install();
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("Proxmox VE 7 is too old"));
        check_untouched(setup);
    }
    SECTION("Proxmox VE 9") {
        setup.node.write("/usr/bin/pveversion",
                         "#!/bin/sh\necho 'pve-manager/9.0.3/025864202ebb6109 (running kernel: x)'\n", true);
        CHECK(setup.install().exit_code == 0);
    }
    SECTION("no qm") {
        fs::remove(setup.node.outside("/usr/sbin/qm"));
        const auto result = setup.install();
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("no Proxmox VE node"));
        check_untouched(setup);
    }
}

TEST_CASE("install puts right whatever stands in the snippet's place") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    const auto place = setup.node.outside(snippet);
    SECTION("another version") {
        setup.node.put_snippet("failover-ip", "#!/bin/sh\nexit 1\n");
    }
    SECTION("a link") {
        setup.node.put_snippet("elsewhere", "#!/bin/sh\nexit 1\n");
        fs::create_symlink("elsewhere", place);
    }
    SECTION("one that cannot be executed") {
        fs::copy_file(std::string{FIP_BIN} + "/failover-ip-proxmox-hook", place);
        fs::permissions(place, fs::perms{0644});
    }
    SECTION("what a killed install left beside it") {
        setup.node.write("/var/lib/vz/snippets/.failover-ip.new", "half");
    }
    const auto result = setup.install();
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(has_packaged_snippet(setup));
    CHECK_FALSE(setup.node.exists("/var/lib/vz/snippets/.failover-ip.new"));
    if (setup.node.exists("/var/lib/vz/snippets/elsewhere"))
        CHECK(setup.node.read("/var/lib/vz/snippets/elsewhere") == "#!/bin/sh\nexit 1\n");
}

TEST_CASE("install puts the snippet where storage local has its snippets") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.node.write("/etc/pve/storage.cfg",
                     "dir: other\n\tpath /mnt\n\tcontent-dirs snippets=no\n\n"
                     "dir: local\n\tpath /var/lib/vz\n\tcontent iso\n\tcontent-dirs iso=i,snippets=own/hooks\n");
    const auto result = setup.install();
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(setup.node.read("/var/lib/vz/own/hooks/failover-ip") == packaged());
    CHECK_FALSE(setup.node.exists(snippet));
}

TEST_CASE("install starts the units once the configuration is good, and not before") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.boot_systemd();
    const auto first = setup.install();
    CAPTURE(first.out, first.err);
    CHECK(first.exit_code == 0);
    CHECK_THAT(first.out, Contains("unit: not started"));
    CHECK(setup.node.read("/run/units/calls") == "daemon-reload\n");

    setup.node.write(config_file, "[providers.hand]\ntype = \"manua\"\n");
    const auto wrong = setup.install();
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.err, Contains("unit: not started, the configuration is not good"));
    CHECK_FALSE(setup.is_active("failover-ip-proxmox"));

    setup.configure();
    const auto good = setup.install();
    CAPTURE(good.out, good.err);
    CHECK(good.exit_code == 0);
    CHECK(setup.is_active("failover-ip-proxmox"));
    CHECK(setup.is_enabled("failover-ip-proxmox"));
    CHECK(setup.is_enabled("failover-ip-guard"));

    const auto again = setup.install();
    CHECK(again.exit_code == 0);
    CHECK_THAT(again.out, Contains("unit: failover-ip-proxmox.service is enabled, and runs"));

    // An upgrade: the watcher that runs is the old one.
    setup.node.put_snippet("failover-ip", "old");
    CHECK_THAT(setup.install().out, Contains("unit: enabled and started anew: failover-ip-proxmox.service"));
}

TEST_CASE("install names the nodes of the cluster that have not announced the snippet") {
    PVE_SETUP_NODE_OR_SKIP();
    PveNode::Options options;
    options.other_nodes = {"pve2"};
    SetupNode setup{options};
    CHECK_THAT(setup.install().out, Contains("node pve2 has not announced the snippet"));
    setup.node.other_node_puts("failover-ip/pve2", "0.1.0\n");
    CHECK_THAT(setup.install().out, !Contains("pve2"));
}

TEST_CASE("only one install works at a time") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    auto other = setup.node.spawn(
        {"/usr/bin/flock", "/run/lock/failover-ip-proxmox-setup", "/bin/sh", "-c", "echo held; sleep 60"});
    for (int i = 0; i < 1000 && other.out().empty(); ++i) ::usleep(20000);
    const auto result = setup.install();
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("another install or uninstall is at work"));
    check_untouched(setup);
    other.kill();
    CHECK(setup.install().exit_code == 0);
}

TEST_CASE("an install that is killed anywhere is finished by the next one") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    for (int i = 0; i < 12; ++i) {
        auto one = setup.node.spawn({std::string{FIP_BIN} + "/failover-ip-proxmox", "install"});
        ::usleep(static_cast<useconds_t>(3000 * i));
        one.kill();
    }
    const auto result = setup.install();
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(has_packaged_snippet(setup));
    CHECK(snippets(setup) == std::vector<std::string>{"failover-ip"});
    CHECK(setup.node.exists("/etc/pve/failover-ip/pve"));
    CHECK(setup.node.exists(config_file));
}

TEST_CASE("install removes what a killed one left in the cluster's file system") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    setup.node.must({"mkdir", "/etc/pve/failover-ip"});
    setup.node.must({"/bin/sh", "-c", "echo half >/etc/pve/failover-ip/pve.tmp.123"});
    CHECK(setup.install().exit_code == 0);
    CHECK_FALSE(setup.node.exists("/etc/pve/failover-ip/pve.tmp.123"));
}
