#include "contract/lease_store_fixtures.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

using namespace fip;
using namespace fip::test;

namespace {
std::atomic<int> syncs{0};
}

// SQLite's calls end here: what a library asks for is looked up in the program first.
extern "C" int fdatasync(int descriptor) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
extern "C" int fsync(int descriptor) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

TEST_CASE("a commit is synced, and a transaction without a change is not", "[contract][sqlite]") {
    OnDisk disk;
    put(disk.store, stock("192.0.2.1"));
    const auto syncs_of = [&](const std::function<void()>& work) {
        const int before = syncs;
        work();
        return syncs - before;
    };
    CHECK(syncs_of([&] { put(disk.store, stock("192.0.2.2")); }) >= 1);
    CHECK(syncs_of([&] { put(disk.store, stock("192.0.2.2", LeaseState::cooling)); }) >= 1);
    CHECK(syncs_of([&] { put(disk.store, stock("192.0.2.2", LeaseState::cooling)); }) == 0);
    CHECK(syncs_of([&] { (void)all(disk.store); }) == 0);
    CHECK(syncs_of([&] {
              const store::SqliteLeaseStore reader{disk.dir / "leases.db", std::chrono::seconds{1},
                                                   store::Access::read_only};
              (void)all(reader);
          }) == 0);
}
