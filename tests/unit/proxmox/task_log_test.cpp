#include "task_log.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip::proxmox;
using namespace std::chrono_literals;

namespace {

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

TEST_CASE("a node without a task log has migrated nobody") {
    CHECK_FALSE(has_migrated(100, since, "/nonexistent"));
}
