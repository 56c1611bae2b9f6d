#include "contract/lease_store_fixtures.hpp"
#include "contract/small_disk.hpp"
#include "core/errors.hpp"
#include "support/process.hpp"
#include "support/wait_until.hpp"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using fip::store::Access;
using fip::store::SqliteLeaseStore;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds short_wait{60};

/// No file of ours grows beyond `size` while the object lives.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t size) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{size, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

std::string nth_address(int n) {
    return "10.0." + std::to_string(n / 250) + "." + std::to_string(n % 250);
}

/// Transactions of two rows each until one fails; how many were committed.
int fill(LeaseStore& store, int from, std::string& problem) {
    for (int n = from;; ++n) {
        try {
            store.write([&](Rows& rows) {
                for (const int half : {0, 1}) {
                    Lease lease = stock(nth_address(2 * n + half));
                    lease.hostname.assign(3000, 'h');
                    rows.leases.put(lease);
                }
                rows.guests.set_value("n", std::to_string(n + 1));
            });
        } catch (const StoreError& error) {
            problem = error.what();
            return n;
        }
    }
}

void check_holds(const LeaseStore& store, int transactions) {
    store.read([&](const Rows& rows) {
        CHECK(rows.leases.all("").size() == static_cast<std::size_t>(2 * transactions));
        CHECK(rows.guests.value("n") == (transactions > 0 ? std::to_string(transactions) : ""));
    });
}

/// Everything in the main file, no WAL.
void fold(const std::string& file) {
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    CHECK(sqlite3_exec(raw, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
}

void write_bytes(const std::string& file, const std::string& bytes) {
    std::ofstream{file, std::ios::binary | std::ios::trunc} << bytes;
}

std::string read_bytes(const std::string& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// Asks everything. False: the store says it is damaged, or worse; any other exception is a failure of the test.
bool can_be_read(const std::string& file, Access access) {
    try {
        SqliteLeaseStore store{file, short_wait, access};
        store.read([](const Rows& rows) {
            for (const auto& lease : rows.leases.all("")) {
                (void)rows.leases.find(lease.address);
                if (lease.guest) (void)rows.leases.of_guest(*lease.guest);
            }
            (void)rows.leases.named("web");
            (void)rows.provider.addresses("dedibox");
            rows.provider.candidates("dedibox", [](const Candidate&) { return true; });
            (void)rows.provider.status("dedibox");
            (void)rows.guests.notes(NoteKind::waiting);
            (void)rows.guests.value("n");
        });
        if (access != Access::read_only) put(store, stock("203.0.113.77"));
        return true;
    } catch (const StoreError&) {
        return false;
    }
}

/// A store with something in each table; its file.
std::string make_sample(const TempDir& dir) {
    SqliteLeaseStore store{dir / "leases.db", short_wait, Access::create};
    store.write([](Rows& rows) {
        std::vector<ProviderAddress> known;
        for (int i = 0; i < 60; ++i) {
            known.push_back(facts(nth_address(i)));
            if (i % 2 == 0) rows.leases.put(held(nth_address(i), "guest" + std::to_string(i)));
        }
        rows.provider.replace("dedibox", known);
        ProviderStatus status;
        status.last_error = "503";
        rows.provider.set_status("dedibox", status);
        GuestNote note;
        note.guest = guest("web");
        rows.guests.put(note);
        rows.guests.set_value("n", "1");
    });
    return dir / "leases.db";
}

int in_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a full disk is said, and nothing that was committed is lost", "[contract][sqlite]") {
    const SmallDisk disk{"size=1m"};
    if (!disk.is_there()) {
        WARN("skipped: a small disk needs root");
        return;
    }
    const auto file = disk.path() / "leases.db";
    std::ofstream{disk.path() / "ballast"} << std::string(200 * 1024, 'x');
    std::string problem;
    int committed = 0;
    {
        SqliteLeaseStore store{file, short_wait, Access::create};
        committed = fill(store, 0, problem);
        CHECK(committed > 5);
        CHECK_THAT(problem, Contains(file.string()) && Contains("No space left on device") && Contains("Make room"));
        check_holds(store, committed);
        fs::remove(disk.path() / "ballast");
        CHECK(fill(store, committed, problem) > committed);  // the same object goes on when there is room again
        committed = std::stoi(seen(store, [](const Rows& rows) { return rows.guests.value("n"); }));
    }
    const SqliteLeaseStore store{file, short_wait, Access::existing};
    check_holds(store, committed);
}

TEST_CASE("a store cannot be made on a full disk, and can be once there is room", "[contract][sqlite]") {
    const SmallDisk disk{"size=64k"};
    if (!disk.is_there()) {
        WARN("skipped: a small disk needs root");
        return;
    }
    std::ofstream{disk.path() / "ballast"} << std::string(60 * 1024, 'x');
    const auto file = disk.path() / "leases.db";
    CHECK_THROWS_AS((SqliteLeaseStore{file, short_wait, Access::create}), StoreError);
    fs::remove(disk.path() / "ballast");
    REQUIRE(::mount("none", disk.path().c_str(), nullptr, MS_REMOUNT, "size=1m") == 0);
    SqliteLeaseStore store{file, short_wait, Access::create};
    put(store, stock("192.0.2.1"));
    CHECK(all(store).size() == 1);
}

TEST_CASE("a file that may not grow is said, and nothing that was committed is lost", "[contract][sqlite]") {
    OnDisk disk;
    std::string problem;
    int committed = 0;
    {
        const FileSizeLimit limit{300 * 1024};
        committed = fill(disk.store, 0, problem);
    }
    CHECK(committed > 5);
    CHECK_THAT(problem, Contains("cannot grow"));
    check_holds(disk.store, committed);
    const SqliteLeaseStore again{disk.dir / "leases.db", short_wait, Access::existing};
    check_holds(again, committed);
}

TEST_CASE("a read-only file system is said at once", "[contract][sqlite]") {
    const SmallDisk disk{"size=1m"};
    if (!disk.is_there()) {
        WARN("skipped: a disk of our own needs root");
        return;
    }
    const auto file = disk.path() / "leases.db";
    {
        SqliteLeaseStore store{file, short_wait, Access::create};
        put(store, stock("192.0.2.1"));
    }
    REQUIRE(disk.make_read_only());
    for (const auto access : {Access::create, Access::existing}) {
        CHECK_THROWS_WITH((SqliteLeaseStore{file, short_wait, access}),
                          Contains(file.string()) && Contains("Read-only file system"));
    }
    CHECK_THROWS_WITH((SqliteLeaseStore{disk.path() / "new/leases.db", short_wait, Access::create}),
                      Contains("Read-only file system"));
}

TEST_CASE("others than root are told so", "[contract][sqlite]") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root to become somebody else");
        return;
    }
    TempDir dir;
    for (const auto& folder : {dir.path(), dir.path().parent_path()}) {
        fs::permissions(folder, fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add);
    }
    { SqliteLeaseStore store{dir / "leases.db", short_wait, Access::create}; }
    const auto attempt = [&](const std::string& name, Access access) {
        return in_child([&] {
            if (::setresuid(65534, 65534, 65534) != 0) return 2;
            try {
                SqliteLeaseStore store{dir / name, short_wait, access};
            } catch (const StoreError& error) {
                const std::string text = error.what();
                return text.find("run as root") != std::string::npos && text.find(name) != std::string::npos ? 0 : 1;
            }
            return 3;
        });
    };
    CHECK(attempt("leases.db", Access::create) == 0);
    CHECK(attempt("leases.db", Access::existing) == 0);
    CHECK(attempt("leases.db", Access::read_only) == 0);
    CHECK(attempt("new.db", Access::create) == 0);
    CHECK(attempt("new/leases.db", Access::create) == 2 - 1);  // the folder is named, not the file
}

TEST_CASE("a file that is no database is said to be damaged, and left as it is", "[contract][sqlite]") {
    TempDir dir;
    const auto file = dir / "leases.db";
    const auto garbage = GENERATE(std::string(5000, 'x'), std::string("SQLite format 3") + std::string(5000, '\xff'),
                                  std::string(4096, '\0'));
    write_bytes(file, garbage);
    for (const auto access : {Access::create, Access::existing, Access::read_only}) {
        CHECK_THROWS_WITH((SqliteLeaseStore{file, short_wait, access}),
                          Contains(file) && Contains("is damaged") && Contains("backup"));
    }
    CHECK(read_bytes(file) == garbage);
}

TEST_CASE("a damaged file is never worse than a StoreError", "[contract][sqlite]") {
    TempDir dir;
    const auto file = make_sample(dir);
    fold(file);
    const auto whole = read_bytes(file);
    std::mt19937 random{GENERATE(1u, 2u)};
    const auto restore = [&](const std::string& bytes) {
        for (const auto* suffix : {"-wal", "-shm"}) fs::remove(file + suffix);
        write_bytes(file, bytes);
    };
    int refused = 0;
    for (int round = 0; round < 150; ++round) {
        auto bytes = whole;
        const auto flips = 1 + random() % 40;
        for (unsigned i = 0; i < flips; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
        restore(bytes);
        if (!can_be_read(file, round % 2 == 0 ? Access::read_only : Access::existing)) ++refused;
    }
    CHECK(refused > 10);
    refused = 0;
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 50) {
        restore(whole.substr(0, size));
        if (!can_be_read(file, Access::read_only)) ++refused;  // cut in pages that nothing asks for, it is readable
    }
    CHECK(refused > 40);
    restore(whole);
    CHECK(can_be_read(file, Access::existing));
}

TEST_CASE("a row that a person spoilt is damage, not a guess", "[contract][sqlite]") {
    TempDir dir;
    const auto file = make_sample(dir);
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    const auto* sql = GENERATE("UPDATE lease SET address = '10.0.0.256'", "UPDATE lease SET mac = 'none'",
                               "PRAGMA ignore_check_constraints = 1; UPDATE lease SET state = 'lost'",
                               "PRAGMA ignore_check_constraints = 1; UPDATE lease SET guest_kind = 'vm'");
    CHECK(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
    const SqliteLeaseStore store{file, short_wait, Access::existing};
    CHECK_THROWS_WITH(all(store), Contains(file) && Contains("is damaged"));
}

TEST_CASE("a process that is killed anywhere leaves whole transactions", "[contract][sqlite]") {
    const SmallDisk disk{"size=256m"};  // in memory: more commits in a second, and so more places to be killed at
    const auto file = disk.path() / "leases.db";
    std::mt19937 random{std::random_device{}()};
    int before = 0;
    for (int round = 0; round < 100; ++round) {
        Process writer{Command{{FIP_STORE_RACER, "fill", file}}};
        // Half of them while they start and make the file, the others in the midst of commits.
        if (round % 2 == 1) CHECK(wait_until([&] { return !writer.out().empty(); }, std::chrono::seconds{30}));
        CHECK_FALSE(writer.wait(std::chrono::milliseconds{random() % 12}).has_value());
        writer.kill();
        const auto printed = writer.out();
        const auto lines = static_cast<int>(std::count(printed.begin(), printed.end(), '\n'));
        const SqliteLeaseStore store{file, short_wait, Access::create};
        int now = 0;
        store.read([&](const Rows& rows) {
            const auto n = rows.guests.value("n");
            now = n.empty() ? 0 : std::stoi(n);
            CHECK(rows.leases.all("").size() == static_cast<std::size_t>(2 * now));
        });
        CHECK(now - before >= lines);  // all that was reported as committed
        CHECK(now - before <= lines + 1);
        before = now;
    }
    CHECK(before >= 50);
}

namespace {

/// Cut the WAL shorter and shorter, by `step` bytes; what is left must be a prefix of the commits.
void check_cut_wal(std::size_t step) {
    TempDir dir;
    const auto file = dir / "leases.db";
    { SqliteLeaseStore store{file, short_wait, Access::create}; }
    fold(file);
    constexpr int commits = 3;
    {
        SqliteLeaseStore store{file, short_wait, Access::existing};
        for (int n = 1; n <= commits; ++n) {
            store.write([&](Rows& rows) {
                rows.leases.put(held(nth_address(n), "guest" + std::to_string(n)));
                rows.guests.set_value("n", std::to_string(n));
            });
        }
    }
    int last = commits;
    auto size = fs::file_size(file + "-wal");
    REQUIRE(size > 4096 * commits);
    for (;; size -= step) {
        fs::resize_file(file + "-wal", size);
        int n = 0;
        const SqliteLeaseStore store{file, short_wait, Access::read_only};
        store.read([&](const Rows& rows) {
            const auto value = rows.guests.value("n");
            n = value.empty() ? 0 : std::stoi(value);
            if (rows.leases.all("").size() != static_cast<std::size_t>(n)) FAIL("torn at " << size);
        });
        if (n > last) FAIL("grew at " << size);
        last = n;
        if (size < step) break;
    }
    CHECK(last == 0);
}

}  // namespace

TEST_CASE("a WAL that is cut anywhere holds a prefix of the commits", "[contract][sqlite]") {
    check_cut_wal(61);
}

TEST_CASE("a WAL that is cut at every byte holds a prefix of the commits", "[.long][sqlite]") {
    check_cut_wal(1);
}

TEST_CASE("a WAL with spoilt bytes is never worse than a StoreError", "[contract][sqlite]") {
    TempDir dir;
    const auto file = make_sample(dir);
    const auto wal = read_bytes(file + "-wal");
    REQUIRE_FALSE(wal.empty());
    std::mt19937 random{7};
    for (int round = 0; round < 150; ++round) {
        auto bytes = wal;
        bytes[random() % bytes.size()] = static_cast<char>(random());
        write_bytes(file + "-wal", bytes);
        (void)can_be_read(file, Access::read_only);
    }
    write_bytes(file + "-wal", wal);
    CHECK(can_be_read(file, Access::read_only));
}
