#include "task_log.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace fip::proxmox;
using namespace std::string_literals;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;
using fip::test::TempDir;

constexpr std::chrono::sys_seconds since{0x65EFFFF0s};
const std::string migrate = "UPID:pve:0001E240:00ABCDEF:65EFFF00:qmigrate:100:root@pam:";

}  // namespace

TEST_CASE("a migration that runs, or ended after the guest was last there, is found in the task log") {
    CHECK(says_migrated(migrate + " 0\n", 100, since));
    CHECK(says_migrated(migrate + " 1 65EFFFF0 OK\n", 100, since));  // active
    CHECK(says_migrated(migrate + " 65EFFFF0 OK\n", 100, since));    // index
    CHECK(says_migrated("UPID:pve:1:2:65EFFF00:qmstart:101:root@pam: 65EFFFF0 OK\n" + migrate + " 0", 100, since));
    CHECK(says_migrated("UPID:pve:1:2:65EFFF00:vzmigrate:200:root@pam: 0", 200, since));
    CHECK(says_migrated(migrate + " 65EFFFF0 migration aborted\n", 100, since));  // its config may be gone no less
}

TEST_CASE("other tasks, other guests and old migrations are no reason for a guest to be elsewhere") {
    CHECK_FALSE(says_migrated("", 100, since));
    CHECK_FALSE(says_migrated(migrate + " 0\n", 10, since));
    CHECK_FALSE(says_migrated(migrate + " 1 65EFFF00 OK\n", 100, since));
    CHECK_FALSE(says_migrated(migrate + " 65EFFFEF OK\n", 100, since));
    CHECK_FALSE(says_migrated("UPID:pve:1:2:65EFFF00:qmdestroy:100:root@pam: 0\n", 100, since));
    CHECK_FALSE(says_migrated("UPID:pve:1:2:65EFFF00:qmigrate", 100, since));
    CHECK_FALSE(says_migrated(":::::qmigrate:100: 0", 100, since));
}

TEST_CASE("an end that somebody else asked for is told from ours") {
    const TempDir folder;
    const auto ours = "UPID:pve:0001E240:00ABCDEF:65EFFFF0:qmstop:100:root@pam:"s;
    const auto theirs = "UPID:pve:0001E241:00ABCDF0:65EFFFF1:qmstop:100:root@pam:"s;
    const auto says = [&](const std::string& active, const std::string& index) {
        std::ofstream{folder / "active"} << active;
        std::ofstream{folder / "index"} << index;
        return has_other_end(100, {since, 112591000ms}, 1, folder.path());
    };
    CHECK_FALSE(says("", ""));
    CHECK_FALSE(says(ours + " 0\n", ""));
    CHECK_FALSE(says(ours + " 1 65EFFFF1 OK\n", ours + " 65EFFFF1 OK\n"));  // one task, in both
    CHECK(says(ours + " 1 65EFFFF1 OK\n" + theirs + " 0\n", ""));
    CHECK(says("", ours + " 65EFFFF1 OK\n" + theirs + " 65EFFFF1 OK\n"));
    CHECK(says("", ours + " 65EFFFF1 WARNINGS: 1\n" + theirs + " 65EFFFF1 OK"));
    CHECK_FALSE(says("", ours + " 65EFFFF1 OK\n" + theirs + " 65EFFFF1 VM is locked (backup)\n"));
    CHECK_FALSE(says("", ours + " 65EFFFF1 OK\nUPID:pve:1:00ABCDF1:65EFFFEF:qmstop:100:root@pam: 65EFFFEF OK\n"));
    CHECK_FALSE(says("", ours + " 65EFFFF1 OK\nUPID:pve:1:00ABCDF1:65EFFFF0:qmstop:101:root@pam: 65EFFFF0 OK\n"));
    CHECK_FALSE(says("", ours + " 65EFFFF1 OK\nUPID:pve:1:00ABCDF1:65EFFFF0:qmstart:100:root@pam: 65EFFFF0 OK\n"));
    CHECK(says("UPID:pve:1:00ABCDF1:65EFFFF0:qmdestroy:100:root@pam: 0\n", ""));
    CHECK(says("UPID:pve:1:00ABCDF1:65EFFFF0:qmshutdown:100:root@pam: 0\n", ""));
    CHECK_FALSE(says("UPID:pve:1:00ABCDF1::qmstop:100:root@pam: 0\n" + ours + " 0\n", ""));
    // In the same second, for the run before: it began before we did.
    CHECK_FALSE(says("", ours + " 65EFFFF1 OK\nUPID:pve:1:00ABCC00:65EFFFF0:qmstop:100:root@pam: 65EFFFF0 OK\n"));
    // Its own log knows first.
    fs::create_directories(folder / "1");
    std::ofstream{fs::path{folder / "1"} / theirs} << "can't lock file\nTASK ERROR: got timeout\n";
    CHECK_FALSE(says(ours + " 0\n" + theirs + " 0\n", ""));
}

TEST_CASE("a node without a task log has migrated nobody") {
    CHECK_FALSE(has_migrated(100, since, "/nonexistent"));
}
