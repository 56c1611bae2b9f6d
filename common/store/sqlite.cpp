#include "store/sqlite.hpp"

#include "core/errors.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fip::store {
namespace {

/// A WAL past this size is folded into the file by the last process that closes it. Without a daemon every process
/// reads the whole WAL when it opens the file, and SQLite's own checkpoint comes too late for programs with one commit.
constexpr off_t wal_worth_folding = 262144;

/// After a large transaction the WAL file is cut to this many bytes when it is begun anew.
constexpr const char* limit_wal = "PRAGMA journal_size_limit = 4194304";

bool is_busy(int code) {
    const int kind = code & 0xff;
    // PROTOCOL: lost the race for the WAL's locks many times over.
    return kind == SQLITE_BUSY || kind == SQLITE_LOCKED || kind == SQLITE_PROTOCOL;
}

bool is_full(int code, int cause) {
    if ((code & 0xff) == SQLITE_FULL) return true;
    return (code & 0xff) == SQLITE_IOERR && (cause == ENOSPC || cause == EFBIG || cause == EDQUOT);
}

bool is_denied(int code, int cause) {
    const int kind = code & 0xff;
    return (kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY || kind == SQLITE_IOERR || kind == SQLITE_PERM) &&
           (cause == EACCES || cause == EPERM);
}

/// What went wrong and what to do; `cause` is the errno behind it, 0 if unknown.
std::string explain(int code, int cause, const char* said) {
    const std::string why = cause != 0 ? std::strerror(cause) : said;
    if (is_full(code, cause)) {
        return "cannot grow: " + why + "; nothing was changed. Make room on its disk, then try again";
    }
    if (is_denied(code, cause)) return "cannot be used: " + why + "; run as root, and check the modes of its folder";
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return std::string{"is damaged ("} + said +
               "); nothing was changed. Stop failover-ip-libvirt and restore a backup, see docs/store.md";
    case SQLITE_READONLY:
        if (code == SQLITE_READONLY_DBMOVED) return "was moved or deleted while in use; restart this program";
        return "cannot be written: " + (cause != 0 ? why : "read-only file or folder") +
               "; nothing was changed. Make the file and its folder writable";
    case SQLITE_CANTOPEN:
        return "cannot be opened: " + why + "; check the file and its folder, which must be writable";
    default:
        return "failed: " + std::string{said} + (cause != 0 ? " (" + why + ")" : "") + "; nothing was changed";
    }
}

}  // namespace

Database::Database(std::string file, Mode mode, std::chrono::milliseconds busy_wait)
    : file_{std::move(file)}, mode_{mode}, busy_wait_{busy_wait}, owner_{::getpid()} {
    const int access = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    try {
        if (const int code = sqlite3_open_v2(file_.c_str(), &handle_, flags, nullptr); code != SQLITE_OK) fail(code);
        const auto wait = std::clamp<std::chrono::milliseconds::rep>(busy_wait.count(), 0, 86'400'000);
        sqlite3_busy_timeout(handle_, static_cast<int>(wait));
        sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
        // SQLite opens a file that it may not write for reading, without a word.
        if (mode == Mode::read_write && sqlite3_db_readonly(handle_, "main") == 1) fail(SQLITE_READONLY);
        if (mode == Mode::read_write) execute(limit_wal);
    } catch (...) {
        close();
        throw;
    }
}

Database::~Database() {
    close();
}

void Database::close() noexcept {
    // SQLite's locks belong to the process that took them: a forked child leaves everything as it is.
    if (owner_ != ::getpid()) return;
    const char* name = handle_ != nullptr ? sqlite3_db_filename(handle_, "main") : nullptr;  // null: it was not opened
    if (name != nullptr && mode_ == Mode::read_write) {
        struct stat wal {};
        if (::stat(sqlite3_filename_wal(name), &wal) == 0 && wal.st_size > wal_worth_folding) {
            sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
        }
    }
    sqlite3_close_v2(handle_);  // null is fine; its result says nothing that could be acted on
    handle_ = nullptr;
}

void Database::execute(const char* sql) {
    if (const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(const char* sql) {
    const Query query{*this, sql};
    Cursor cursor = query();
    return cursor.next() ? cursor.integer() : 0;
}

void Database::require_read() const {
    if (phase_ == Phase::idle) fail("was asked outside of a transaction");
}

void Database::require_write() const {
    require_read();
    if (phase_ == Phase::reading) fail("was to be changed in a transaction that only reads");
    // SQLite rolls back by itself when the disk is full; what follows must not be committed piece by piece.
    if (sqlite3_get_autocommit(handle_) != 0) fail("lost its transaction; nothing was changed");
}

void Database::check_in_place() const {
    if (owner_ != ::getpid()) fail("was opened by another process: open it again after fork");
    int has_moved = 0;
    if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) == SQLITE_OK && has_moved != 0) {
        fail(SQLITE_READONLY_DBMOVED);
    }
}

int Database::cause_of(int code) const {
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_READONLY:
        return ::access(file_.c_str(), W_OK) != 0 ? errno : 0;  // SQLite does not keep it
    case SQLITE_CANTOPEN:
        return sqlite3_system_errno(handle_);
    case SQLITE_IOERR:
        break;
    default:
        return 0;
    }
    if (const int cause = sqlite3_system_errno(handle_); cause != 0) return cause;
    // The error of a commit is kept by the file that could not be written: the WAL.
    sqlite3_file* wal = nullptr;
    int cause = 0;
    if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK && wal != nullptr &&
        wal->pMethods != nullptr) {
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &cause);
    }
    return cause;
}

void Database::fail(int code) const {
    if (is_busy(code)) {
        throw StoreBusy{file_ + " is in use: another process held its lock for " + std::to_string(busy_wait_.count()) +
                        " ms; try again"};
    }
    if (handle_ == nullptr) fail(explain(code, 0, sqlite3_errstr(code)));
    fail(explain(code, cause_of(code), sqlite3_errmsg(handle_)));
}

void Database::fail(const std::string& problem) const {
    throw StoreError{file_ + " " + problem};
}

std::string key_of(const Address& address) {
    const auto& bytes = address.bytes();
    std::string key(1, address.is_v4() ? '\x04' : '\x06');
    key.append(reinterpret_cast<const char*>(bytes.data()), address.is_v4() ? 4 : bytes.size());
    return key;
}

Transaction::Transaction(Database& database, Kind kind) : database_{database}, kind_{kind} {
    if (database_.phase_ != Database::Phase::idle) database_.fail("is in a transaction already: they do not nest");
    database_.check_in_place();
    database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
    database_.phase_ = kind == Kind::write ? Database::Phase::writing : Database::Phase::reading;
}

void Transaction::commit() {
    // A reader's end is no effect: it is spelled differently so that tests can count effects.
    database_.execute(kind_ == Kind::write ? "COMMIT" : "END");
}

Transaction::~Transaction() {
    database_.phase_ = Database::Phase::idle;
    if (database_.owner_ != ::getpid() || sqlite3_get_autocommit(database_.handle_) != 0) return;
    // Cannot fail in a way that matters: what is not committed is gone when the file is next opened.
    sqlite3_exec(database_.handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Cursor::Cursor(Database& database, sqlite3_stmt* statement, bool* in_use) noexcept
    : database_{database}, statement_{statement}, in_use_{in_use} {
    if (in_use_ != nullptr) *in_use_ = true;
}

Cursor::~Cursor() {
    if (in_use_ == nullptr) {
        sqlite3_finalize(statement_);
        return;
    }
    sqlite3_reset(statement_);  // repeats the error of the last step, which was thrown already
    sqlite3_clear_bindings(statement_);
    *in_use_ = false;
}

bool Cursor::next() {
    column_ = 0;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) database_.fail(code);
    return false;
}

std::string Cursor::text() {
    const int column = column_++;
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes != nullptr ? std::string(bytes, size) : std::string{};
}

std::optional<std::string> Cursor::maybe_text() {
    if (!is_null()) return text();
    skip();
    return std::nullopt;
}

std::int64_t Cursor::integer() {
    return sqlite3_column_int64(statement_, column_++);
}

std::optional<std::int64_t> Cursor::maybe_integer() {
    if (!is_null()) return integer();
    skip();
    return std::nullopt;
}

bool Cursor::is_null() const {
    return sqlite3_column_type(statement_, column_) == SQLITE_NULL;
}

void Cursor::bind(std::string_view value) {
    const char* bytes = value.data() != nullptr ? value.data() : "";  // a null pointer would be stored as NULL
    const int code = sqlite3_bind_text64(statement_, ++column_, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) database_.fail(code);
}

void Cursor::bind(std::int64_t value) {
    if (const int code = sqlite3_bind_int64(statement_, ++column_, value); code != SQLITE_OK) database_.fail(code);
}

void Cursor::bind(Blob value) {
    const int code = sqlite3_bind_blob64(statement_, ++column_, value.bytes.data(), value.bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) database_.fail(code);
}

Query::~Query() {
    sqlite3_finalize(statement_);
}

sqlite3_stmt* Query::prepare() const {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database_.handle(), sql_, -1, &statement, nullptr);
    if (code != SQLITE_OK) database_.fail(code);
    return statement;
}

sqlite3_stmt* Query::prepare_once() const {
    if (statement_ == nullptr) statement_ = prepare();
    return statement_;
}

}  // namespace fip::store
