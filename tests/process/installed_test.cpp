#include "cli_host.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

/// As a package would have put it below the root folder: the machine's own /usr with ours laid over it.
struct InstalledHost {
    TempDir dir;
    std::string root = dir / "root";

    InstalledHost() {
        const auto installed =
            test::run({.argv = {FIP_CMAKE, "--install", FIP_BUILD_DIR, "--strip"}, .environment = {{"DESTDIR", root}}});
        CAPTURE(installed.err);
        REQUIRE(installed.exit_code == 0);
        write_file(dir / "config.toml", manual_config() + "[store]\nurl = \"sqlite:" + (dir / "leases.db") + "\"\n");
    }
    [[nodiscard]] Result tell(const std::string& arguments) const {
        return test::run(
            {.argv = {"unshare", "--mount", "--net", "--propagation", "private", "sh", "-c",
                      "mount -t overlay overlay -o lowerdir=" + root + "/usr:/usr /usr && exec failover-ip " +
                          arguments + " --config " + (dir / "config.toml")},
             .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
    }
    [[nodiscard]] bool has_program(const std::string& path) const {
        return ::access((root + path).c_str(), X_OK) == 0 && fs::is_regular_file(root + path);
    }
};

}  // namespace

TEST_CASE("installed programs find each other") {
    if (std::string{FIP_PREFIX} != "/usr") {
        WARN("SKIPPED: this was built to be installed below " FIP_PREFIX);
        return;
    }
    const InstalledHost host;
    for (const auto* program :
         {"/usr/bin/failover-ip", "/usr/sbin/failover-ip-libvirt", "/usr/sbin/failover-ip-proxmox",
          "/usr/lib/failover-ip/failover-ip-provider", "/usr/lib/failover-ip/failover-ip-hook",
          "/usr/lib/failover-ip/failover-ip-proxmox-hook"}) {
        CAPTURE(program);
        CHECK(host.has_program(program));
    }
    const auto synced = host.tell("pool sync");
    CAPTURE(synced.err);
    CHECK(synced.exit_code == 0);
    CHECK_THAT(host.tell("reconcile --dry-run").err, !Contains("not installed"));
}

TEST_CASE("the units start what is installed") {
    const InstalledHost host;
    for (const auto* unit : {"failover-ip-guard", "failover-ip-libvirt", "failover-ip-proxmox"}) {
        CAPTURE(unit);
        const auto text = read_file(host.root + "/usr/lib/systemd/system/" + unit + ".service");
        const auto at = text.find("\nExecStart=");
        REQUIRE(at != std::string::npos);
        const auto begin = at + 11;
        CHECK(host.has_program(text.substr(begin, text.find_first_of(" \n", begin) - begin)));
    }
}
