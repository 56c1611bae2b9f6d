#pragma once

#include "core/address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace fip::store {

/// One connection to one file. Every failure is a StoreBusy or a StoreError whose text names the file and what to do.
///
/// One thread per object. A child after fork() must not use it; destroying it there is harmless.
class Database {
public:
    enum class Mode { read_write, read_only };

    /// The file must exist.
    Database(std::string file, Mode mode, std::chrono::milliseconds busy_wait);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

    void execute(const char* sql);                       ///< Any number of statements without results.
    [[nodiscard]] std::int64_t number(const char* sql);  ///< First column of the first row.

    /// @throws StoreError  no transaction is open, or one that only reads
    void require_write() const;
    /// @throws StoreError  no transaction is open
    void require_read() const;

    [[noreturn]] void fail(int code) const;                    ///< Of a call of ours that returned `code`.
    [[noreturn]] void fail(const std::string& problem) const;  ///< StoreError: "FILE PROBLEM".

private:
    friend class Transaction;
    enum class Phase { idle, reading, writing };

    void close() noexcept;
    void check_in_place() const;
    [[nodiscard]] int cause_of(int code) const;  ///< The errno behind it; 0: not known.

    std::string file_;
    Mode mode_;
    std::chrono::milliseconds busy_wait_;
    int owner_;  ///< Process that opened it.
    Phase phase_ = Phase::idle;
    sqlite3* handle_ = nullptr;
};

/// Rolls back unless committed. Transactions do not nest.
class Transaction {
public:
    enum class Kind {
        read,   ///< One consistent view, from its first read on.
        write,  ///< Has the write lock from the start: a read lock that turns into a write lock would not wait for it.
    };

    /// @throws StoreError  besides SQLite's reasons: another one is open on this connection, the path names another
    ///         file by now, or this is a child of the process that opened the file
    Transaction(Database& database, Kind kind);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

private:
    Database& database_;
    Kind kind_;
};

/// Where an address stands in address order, as the bytes that are stored.
[[nodiscard]] std::string key_of(const Address& address);

/// Bytes, where a plain text would be stored as text.
struct Blob {
    std::string_view bytes;
};

/// One run of a query: its rows, one after the other. Ends with the object.
class Cursor {
public:
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;

    [[nodiscard]] bool next();  ///< To the next row; the columns are read from the first one again.

    // The next column of the row.
    [[nodiscard]] std::string text();
    [[nodiscard]] std::optional<std::string> maybe_text();
    [[nodiscard]] std::int64_t integer();
    [[nodiscard]] std::optional<std::int64_t> maybe_integer();
    [[nodiscard]] bool is_null() const;  ///< The next column; does not pass it.
    void skip() noexcept { ++column_; }

    [[nodiscard]] const Database& database() const noexcept { return database_; }

private:
    friend class Query;
    Cursor(Database& database, sqlite3_stmt* statement, bool* in_use) noexcept;
    template <typename... Values>
    Cursor(Database& database, sqlite3_stmt* statement, bool* in_use, const Values&... values)
        : Cursor{database, statement, in_use} {
        (bind(values), ...);
        column_ = 0;
    }

    void bind(std::string_view value);
    void bind(std::int64_t value);
    void bind(Blob value);
    void bind(const char* value) { bind(std::string_view{value}); }
    void bind(int value) { bind(std::int64_t{value}); }
    void bind(bool value) { bind(std::int64_t{value ? 1 : 0}); }
    template <typename Value>
    void bind(const std::optional<Value>& value) {
        if (value) {
            bind(*value);
        } else {
            ++column_;  // left unbound: NULL
        }
    }

    Database& database_;
    sqlite3_stmt* statement_;
    bool* in_use_;  ///< Of the query that keeps the statement; null: the statement is ours.
    int column_ = 0;
};

/// SQL that is prepared when it is first used, and kept. A run inside a run of the same query is fine.
class Query {
public:
    Query(Database& database, const char* sql) noexcept : database_{database}, sql_{sql} {}
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    /// The values go to ?1, ?2, ...; texts must outlive the cursor.
    template <typename... Values>
    [[nodiscard]] Cursor operator()(const Values&... values) const {
        sqlite3_stmt* const kept = in_use_ ? nullptr : prepare_once();
        return kept != nullptr ? Cursor{database_, kept, &in_use_, values...}
                               : Cursor{database_, prepare(), nullptr, values...};
    }
    /// For a statement without results.
    template <typename... Values>
    void run(const Values&... values) const {
        Cursor cursor = (*this)(values...);
        while (cursor.next()) {
        }
    }

private:
    [[nodiscard]] sqlite3_stmt* prepare() const;
    [[nodiscard]] sqlite3_stmt* prepare_once() const;

    Database& database_;
    const char* sql_;
    mutable sqlite3_stmt* statement_ = nullptr;
    mutable bool in_use_ = false;
};

}  // namespace fip::store
