#include "store/migrations.hpp"

#include "store/schema_sql.hpp"

#include <array>
#include <string>

namespace fip::store {
namespace {

/// Step n leads from schema n to n + 1. Append only: what was released is never edited.
constexpr std::array<const char*, 3> steps{schema_sql, schema_2_sql, schema_3_sql};

constexpr std::int64_t application_id = 1718186033;  // as in schema.sql

int schema_of(Database& database) {
    return static_cast<int>(database.number("PRAGMA user_version"));
}

[[noreturn]] void fail_newer(const Database& database, int found) {
    database.fail("was written by a newer failover-ip (schema " + std::to_string(found) + ", this one knows " +
                  std::to_string(known_schema()) + "); nothing was changed. Install that version here too");
}

}  // namespace

int known_schema() noexcept {
    return static_cast<int>(steps.size());
}

bool check_ours(Database& database) {
    const Transaction view{database, Transaction::Kind::read};  // else another process may make the schema in between
    const int found = schema_of(database);
    const bool is_ours = found == 0 ? database.number("SELECT count(*) FROM sqlite_schema") == 0
                                    : database.number("PRAGMA application_id") == application_id;
    if (!is_ours) {
        database.fail("belongs to another program; nothing was changed. Check [store] url in the configuration");
    }
    if (found > known_schema()) fail_newer(database, found);
    return found != 0;
}

void check_schema(Database& database) {
    const int found = schema_of(database);
    if (found == known_schema()) return;
    if (found > known_schema()) fail_newer(database, found);
    database.fail("holds schema " + std::to_string(found) + ", and " + std::to_string(known_schema()) +
                  " is needed; start a daemon of failover-ip once, it brings the file up to date");
}

void migrate(Database& database) {
    while (schema_of(database) != known_schema()) {
        Transaction transaction{database, Transaction::Kind::write};
        const int found = schema_of(database);  // another process may have been faster
        if (found > known_schema() || found < 0) fail_newer(database, found);
        if (found == known_schema()) return;
        database.execute(steps[static_cast<std::size_t>(found)]);
        database.execute(("PRAGMA user_version = " + std::to_string(found + 1)).c_str());
        transaction.commit();
    }
}

}  // namespace fip::store
