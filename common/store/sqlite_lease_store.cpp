#include "store/sqlite_lease_store.hpp"

#include "core/errors.hpp"
#include "store/guard_rows.hpp"
#include "store/guest_rows.hpp"
#include "store/lease_rows.hpp"
#include "store/migrations.hpp"
#include "store/provider_rows.hpp"
#include "store/sqlite.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace fip::store {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& problem, int cause) {
    throw StoreError{file.string() + " " + problem + ": " + std::strerror(cause) +
                     (cause == EACCES || cause == EPERM ? "; run as root" : "")};
}

void make_folder(const std::filesystem::path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return;
    if (errno != ENOENT || !folder.has_relative_path()) fail(folder, "cannot be made", errno);
    make_folder(folder.parent_path());
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder, "cannot be made", errno);
}

/// Not by opening it: closing it again would drop the locks that this process holds on it elsewhere.
void make_file(const std::filesystem::path& file) {
    if (::mknod(file.c_str(), S_IFREG | 0600, 0) != 0 && errno != EEXIST) fail(file, "cannot be made", errno);
}

void check_file(const std::filesystem::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) fail(file, "cannot be opened", errno);
        throw StoreError{file.string() + " does not exist; start a daemon of failover-ip once, it makes it, or check " +
                         "[store] url in the configuration"};
    }
    if (!S_ISREG(status.st_mode)) throw StoreError{file.string() + " is not a regular file"};
}

std::filesystem::path prepared(const std::filesystem::path& given, Access access) {
    auto file = std::filesystem::absolute(given);  // stays right after a chdir
    if (access == Access::create) {
        make_folder(file.parent_path());
        make_file(file);
    }
    check_file(file);
    return file;
}

/// The name of a new file is on disk only when its folder is.
void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;  // a folder that we may not read; the file itself is synced
    ::fsync(descriptor);
    ::close(descriptor);
}

/// Two processes that change a new file to WAL at once: SQLite does not wait there, one of them is told "busy" at once.
void enter_wal(Database& database, std::chrono::milliseconds busy_wait) {
    const auto end = std::chrono::steady_clock::now() + busy_wait;
    for (;;) {
        try {
            return database.execute("PRAGMA journal_mode = WAL");
        } catch (const StoreBusy&) {
            if (std::chrono::steady_clock::now() >= end) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
}

}  // namespace

struct SqliteLeaseStore::Session {
    Session(const std::filesystem::path& file, std::chrono::milliseconds busy_wait, Access access)
        : database{file.string(), access == Access::read_only ? Database::Mode::read_only : Database::Mode::read_write,
                   busy_wait} {
        if (access == Access::read_only) {
            check_schema(database);
            return;
        }
        const bool has_schema = check_ours(database);
        enter_wal(database, busy_wait);
        migrate(database);
        if (!has_schema) sync_folder(file.parent_path());
    }

    Database database;
    SqliteLeaseRows leases{database};
    SqliteProviderRows provider{database, leases};
    SqliteGuestRows guests{database};
    SqliteGuardRows guard{database};
    Rows rows{leases, provider, guests, guard};
};

SqliteLeaseStore::SqliteLeaseStore(const std::filesystem::path& file, std::chrono::milliseconds busy_wait,
                                   Access access)
    : session_{std::make_unique<Session>(prepared(file, access), busy_wait, access)} {}

SqliteLeaseStore::~SqliteLeaseStore() = default;

void SqliteLeaseStore::write(const std::function<void(Rows&)>& work) {
    Transaction transaction{session_->database, Transaction::Kind::write};
    check_schema(session_->database);  // a newer program may have migrated the file since we opened it
    work(session_->rows);
    transaction.commit();
}

void SqliteLeaseStore::read(const std::function<void(const Rows&)>& work) const {
    Transaction transaction{session_->database, Transaction::Kind::read};
    check_schema(session_->database);
    work(session_->rows);
    transaction.commit();
}

}  // namespace fip::store
