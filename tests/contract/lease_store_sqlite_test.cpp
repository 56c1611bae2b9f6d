#include "contract/lease_store_fixtures.hpp"
#include "contract/small_disk.hpp"
#include "core/errors.hpp"
#include "support/process.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using fip::store::Access;
using fip::store::SqliteLeaseStore;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds short_wait{60};

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::string bytes_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

struct CloseDatabase {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close(handle); }
};
using RawDatabase = std::unique_ptr<sqlite3, CloseDatabase>;

/// The file as any other program opens it.
RawDatabase open_raw(const std::string& file) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
    return RawDatabase{handle};
}

void run_sql(const std::string& file, const char* sql) {
    const auto raw = open_raw(file);
    REQUIRE(sqlite3_exec(raw.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

/// What `work` returns in a child process.
template <typename Work>
int in_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a new store is for its owner only", "[contract][sqlite]") {
    TempDir dir;
    const fs::path folder = dir / "var/lib/failover-ip";
    const auto before = ::umask(0);
    SqliteLeaseStore store{folder / "leases.db", short_wait, Access::create};
    ::umask(before);
    put(store, stock("192.0.2.1"));
    CHECK(mode_of(folder) == 0700);
    CHECK(mode_of(folder / "leases.db") == 0600);
    CHECK(mode_of(folder / "leases.db-wal") == 0600);
    CHECK(mode_of(folder / "leases.db-shm") == 0600);
}

TEST_CASE("a store that must exist is not made", "[contract][sqlite]") {
    TempDir dir;
    const auto access = GENERATE(Access::existing, Access::read_only);
    CHECK_THROWS_WITH(
        (SqliteLeaseStore{dir / "leases.db", short_wait, access}),
        Contains(dir / "leases.db") && Contains("does not exist") && Contains("start a daemon of failover-ip"));
    CHECK_THROWS_AS((SqliteLeaseStore{dir / "none/leases.db", short_wait, access}), StoreError);
    CHECK_THROWS_WITH((SqliteLeaseStore{dir.path(), short_wait, access}), Contains("not a regular file"));
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("what was written is there for the next process", "[contract][sqlite]") {
    TempDir dir;
    const Lease lease = full_lease("192.0.2.1");
    {
        SqliteLeaseStore store{dir / "leases.db", short_wait, Access::create};
        put(store, lease);
    }
    const auto access = GENERATE(Access::create, Access::existing, Access::read_only);
    const SqliteLeaseStore store{dir / "leases.db", short_wait, access};
    CHECK(all(store) == std::vector{lease});
}

TEST_CASE("a reader sees each commit of a running writer and writes nothing", "[contract][sqlite]") {
    OnDisk writer;
    SqliteLeaseStore reader{writer.dir / "leases.db", short_wait, Access::read_only};
    CHECK(all(reader).empty());
    put(writer.store, stock("192.0.2.1"));
    CHECK(all(reader).size() == 1);
    CHECK_THROWS_AS(put(reader, stock("192.0.2.2")), StoreError);

    SECTION("also while a transaction is under way") {
        writer.store.write([&](Rows& rows) {
            rows.leases.put(stock("192.0.2.2"));
            CHECK(all(reader).size() == 1);
        });
        CHECK(all(reader).size() == 2);
    }
    SECTION("and its view holds still") {
        reader.read([&](const Rows& rows) {
            CHECK(rows.leases.all("").size() == 1);
            put(writer.store, stock("192.0.2.2"));
            CHECK(rows.leases.all("").size() == 1);
        });
        CHECK(all(reader).size() == 2);
    }
}

TEST_CASE("a lone reader leaves the WAL as it was", "[contract][sqlite]") {
    TempDir dir;
    const std::string file = dir / "leases.db";
    {
        SqliteLeaseStore store{file, short_wait, Access::create};
        put(store, stock("192.0.2.1"));
    }
    const auto wal = bytes_of(file + "-wal");
    const auto main_file = bytes_of(file);
    REQUIRE_FALSE(wal.empty());  // a short-lived writer does not fold it either
    {
        const SqliteLeaseStore reader{file, short_wait, Access::read_only};
        CHECK(all(reader).size() == 1);
    }
    CHECK(bytes_of(file + "-wal") == wal);
    CHECK(bytes_of(file) == main_file);
}

TEST_CASE("the WAL of programs with one commit each does not grow without end", "[contract][sqlite]") {
    const SmallDisk disk{"size=16m"};
    const auto file = disk.path() / "leases.db";
    std::uintmax_t largest = 0;
    for (int i = 0; i < 400; ++i) {
        SqliteLeaseStore store{file, short_wait, Access::create};
        put(store, stock("192.0.2." + std::to_string(i % 250), i % 2 ? LeaseState::warm : LeaseState::cooling));
        largest = std::max(largest, fs::file_size(file.string() + "-wal"));
    }
    CHECK(largest < 512 * 1024);
    const SqliteLeaseStore store{file, short_wait, Access::existing};
    CHECK(all(store).size() == 250);
}

TEST_CASE("a transaction without a change writes nothing", "[contract][sqlite]") {
    OnDisk disk;
    const Lease lease = full_lease("192.0.2.1");
    ProviderStatus status;
    status.failures = 3;
    GuestNote note;
    note.guest = guest("web");
    const auto work = [&](Rows& rows) {
        rows.leases.put(lease);
        rows.leases.erase(Address::parse("192.0.2.99"));
        rows.provider.replace("dedibox", {facts("192.0.2.1"), facts("192.0.2.2")});
        rows.provider.set_status("dedibox", status);
        rows.guests.put(note);
        rows.guests.erase(NoteKind::absent, guest("web"), std::nullopt);
        rows.guests.set_value("key", "value");
        rows.guests.set_value("no such key", "");
    };
    disk.store.write(work);
    const auto wal = bytes_of(disk.dir / "leases.db-wal");
    disk.store.write(work);
    disk.store.write([](Rows& rows) { (void)rows.leases.all(""); });
    CHECK((bytes_of(disk.dir / "leases.db-wal") == wal));
    status.failures = 4;
    disk.store.write(work);
    CHECK_FALSE((bytes_of(disk.dir / "leases.db-wal") == wal));
}

TEST_CASE("work that goes on after the disk was full does not commit a part of itself", "[contract][sqlite]") {
    const SmallDisk disk{"size=4m"};
    if (!disk.is_there()) {
        WARN("skipped: a small disk needs root");
        return;
    }
    std::ofstream{disk.path() / "ballast"} << std::string(1024 * 1024, 'x');
    SqliteLeaseStore store{disk.path() / "leases.db", short_wait, Access::create};
    put(store, stock("192.0.2.1"));
    bool was_full = false;
    const auto work = [&](Rows& rows) {
        try {
            for (int i = 0; i < 2500; ++i) {
                Lease lease = stock("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
                lease.hostname.assign(3000, 'h');
                rows.leases.put(lease);
            }
        } catch (const StoreError&) {
            was_full = true;
        }
        fs::remove(disk.path() / "ballast");
        rows.leases.put(stock("192.0.2.2"));
    };
    CHECK_THROWS_AS(store.write(work), StoreError);
    CHECK(was_full);
    CHECK(all(store).size() == 1);
}

TEST_CASE("a lock that is held too long is StoreBusy, after the wait", "[contract][sqlite]") {
    OnDisk first;
    const auto wait = GENERATE(std::chrono::milliseconds{0}, std::chrono::milliseconds{60});
    SqliteLeaseStore second{first.dir / "leases.db", wait, Access::existing};
    first.store.write([&](Rows& rows) {
        rows.leases.put(stock("192.0.2.1"));
        const auto begin = std::chrono::steady_clock::now();
        CHECK_THROWS_AS(put(second, stock("192.0.2.2")), StoreBusy);
        CHECK_THROWS_WITH(put(second, stock("192.0.2.2")), Contains("leases.db is in use") && Contains("try again"));
        CHECK(std::chrono::steady_clock::now() - begin >= 2 * wait);
    });
    CHECK(all(second).size() == 1);
    put(second, stock("192.0.2.2"));
    CHECK(all(first.store).size() == 2);
}

TEST_CASE("a store made by several processes at once is made once", "[contract][sqlite]") {
    const SmallDisk disk{"size=16m"};
    for (int round = 0; round < 20; ++round) {
        const auto file = disk.path() / std::to_string(round) / "leases.db";
        std::vector<Process> processes;
        for (int i = 0; i < 6; ++i) processes.emplace_back(Command{{FIP_STORE_RACER, "create", file}});
        for (auto& process : processes) {
            const auto result = process.wait(std::chrono::seconds{30});
            REQUIRE(result);
            INFO(result->err);
            CHECK(result->exit_code == 0);
        }
        const SqliteLeaseStore store{file, short_wait, Access::read_only};
        CHECK(seen(store, [](const Rows& rows) { return rows.guests.value("n"); }) == "6");
    }
}

TEST_CASE("two processes race for the last address, and one wins each time", "[contract][sqlite]") {
    const SmallDisk disk{"size=256m"};
    const int rounds = disk.is_there() ? 4000 : 1000;
    SqliteLeaseStore store{disk.path() / "leases.db", short_wait, Access::create};
    store.write([&](Rows& rows) {
        for (int i = 1; i <= rounds; ++i) {
            const auto address = "198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250);
            rows.provider.replace("r" + std::to_string(i), {facts(address)});
        }
    });
    const auto meeting = disk.path() / "meeting";
    std::ofstream{meeting} << std::string(64, '\0');
    std::vector<Process> players;
    for (const auto* player : {"0", "1"}) {
        players.emplace_back(
            Command{{FIP_STORE_RACER, "race", disk.path() / "leases.db", player, std::to_string(rounds), meeting}});
    }
    int wins = 0;
    for (auto& player : players) {
        const auto result = player.wait(std::chrono::seconds{120});
        REQUIRE(result);
        INFO(result->err);
        REQUIRE(result->exit_code == 0);
        CHECK(std::stoi(result->out) > 0);  // else it was no race
        wins += std::stoi(result->out);
    }
    CHECK(wins == rounds);
    CHECK(all(store).size() == static_cast<std::size_t>(rounds));
}

namespace {

/// Median time of finding the only free address beside `held_count` held ones.
std::chrono::nanoseconds find_time(int held_count) {
    OnDisk disk;
    disk.store.write([&](Rows& rows) {
        std::vector<ProviderAddress> known{facts("203.0.113.1")};
        for (int i = 0; i < held_count; ++i) {
            const auto address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
            known.push_back(facts(address));
            rows.leases.put(held(address, "guest" + std::to_string(i)));
        }
        rows.provider.replace("dedibox", known);
    });
    std::vector<std::chrono::nanoseconds> times;
    disk.store.read([&](const Rows& rows) {
        for (int i = 0; i < 51; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            rows.provider.candidates("dedibox", [](const Candidate& candidate) {
                CHECK(candidate.facts.address.text() == "203.0.113.1");
                return false;
            });
            times.push_back(std::chrono::steady_clock::now() - begin);
        }
    });
    std::nth_element(times.begin(), times.begin() + 25, times.end());
    return times[25];
}

}  // namespace

TEST_CASE("finding a free address does not read the held ones", "[contract][sqlite]") {
    CHECK(find_time(8000) < 8 * find_time(8));
}

TEST_CASE("a backup that is made while it is written is whole", "[contract][sqlite]") {
    OnDisk disk;
    Process writer{Command{{FIP_STORE_RACER, "fill", disk.dir / "leases.db"}}};
    int made = 0;
    for (int round = 0; round < 5; ++round) {
        const auto copy_file = disk.dir / ("copy" + std::to_string(round));
        {
            const auto from = open_raw(disk.dir / "leases.db");
            const auto to = open_raw(copy_file);
            sqlite3_busy_timeout(from.get(), 5000);
            sqlite3_backup* backup = sqlite3_backup_init(to.get(), "main", from.get(), "main");
            REQUIRE(backup != nullptr);
            CHECK(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
            CHECK(sqlite3_backup_finish(backup) == SQLITE_OK);
        }
        const SqliteLeaseStore copy{copy_file, short_wait, Access::existing};
        copy.read([&](const Rows& rows) {
            const auto n = rows.guests.value("n");
            CHECK(rows.leases.all("").size() == 2 * (n.empty() ? 0 : std::stoul(n)));
            if (!n.empty()) made = std::stoi(n);
        });
    }
    CHECK(made > 0);
    CHECK(writer.is_running());
    writer.kill();
}

TEST_CASE("a store is not used across fork", "[contract][sqlite]") {
    auto disk = std::make_unique<OnDisk>();
    put(disk->store, stock("192.0.2.1"));
    const int refused = in_child([&] {
        try {
            put(disk->store, stock("192.0.2.2"));
        } catch (const StoreError&) {
            return 3;
        }
        return 0;
    });
    CHECK(refused == 3);
    put(disk->store, stock("192.0.2.3"));
    CHECK(all(disk->store).size() == 2);
}

TEST_CASE("a store whose file was moved away or replaced is not written", "[contract][sqlite]") {
    OnDisk disk;
    put(disk.store, stock("192.0.2.1"));
    fs::rename(disk.dir / "leases.db", disk.dir / "elsewhere.db");
    CHECK_THROWS_WITH(put(disk.store, stock("192.0.2.2")), Contains("moved or deleted") && Contains("restart"));
    SqliteLeaseStore other{disk.dir / "other.db", short_wait, Access::create};
    fs::rename(disk.dir / "other.db", disk.dir / "leases.db");
    CHECK_THROWS_AS(put(disk.store, stock("192.0.2.2")), StoreError);
    CHECK_THROWS_AS(all(disk.store), StoreError);
    fs::rename(disk.dir / "leases.db", disk.dir / "other.db");
    fs::rename(disk.dir / "elsewhere.db", disk.dir / "leases.db");
    CHECK(all(disk.store).size() == 1);
}

TEST_CASE("a file of a newer schema is left alone", "[contract][sqlite]") {
    OnDisk disk;
    put(disk.store, stock("192.0.2.1"));
    run_sql(disk.dir / "leases.db", "PRAGMA user_version = 7");
    const auto says = Contains("written by a newer failover-ip (schema 7, this one knows 3)");
    for (const auto access : {Access::create, Access::existing, Access::read_only}) {
        CHECK_THROWS_WITH((SqliteLeaseStore{disk.dir / "leases.db", short_wait, access}), says);
    }
    // A program that runs since before somebody upgraded the file stops as well.
    CHECK_THROWS_WITH(put(disk.store, stock("192.0.2.2")), says);
    CHECK_THROWS_WITH(all(disk.store), says);
    run_sql(disk.dir / "leases.db", "PRAGMA user_version = 3");
    CHECK(all(disk.store).size() == 1);
}

TEST_CASE("a file of another program is left alone", "[contract][sqlite]") {
    TempDir dir;
    const auto* sql = GENERATE("CREATE TABLE theirs (x)", "CREATE TABLE theirs (x); PRAGMA user_version = 1",
                               "CREATE TABLE lease (x); PRAGMA user_version = 1; PRAGMA application_id = 5");
    run_sql(dir / "theirs.db", sql);
    const auto before = bytes_of(dir / "theirs.db");
    for (const auto access : {Access::create, Access::existing}) {
        CHECK_THROWS_WITH((SqliteLeaseStore{dir / "theirs.db", short_wait, access}),
                          Contains("belongs to another program"));
    }
    CHECK(bytes_of(dir / "theirs.db") == before);
}

TEST_CASE("an empty file is filled by a writer and refused by a reader", "[contract][sqlite]") {
    TempDir dir;
    std::ofstream{dir / "leases.db"};
    CHECK_THROWS_WITH((SqliteLeaseStore{dir / "leases.db", short_wait, Access::read_only}),
                      Contains("start a daemon of failover-ip once"));
    SqliteLeaseStore store{dir / "leases.db", short_wait, GENERATE(Access::create, Access::existing)};
    put(store, stock("192.0.2.1"));
    CHECK(all(store).size() == 1);
}
