#pragma once

#include "store/sqlite.hpp"

namespace fip::store {

/// The schema that this program writes; a file's is its user_version, 0 when nothing was written yet.
[[nodiscard]] int known_schema() noexcept;

/// False: the file is empty yet.
/// @throws StoreError  the schema is newer, or the file is somebody else's
[[nodiscard]] bool check_ours(Database& database);

/// @throws StoreError  the file's schema is not the one that this program writes
void check_schema(Database& database);

/// Bring the file's schema up to ours; each step and its number in one transaction. Repeatable, safe in parallel.
/// @throws StoreError  the schema is newer
void migrate(Database& database);

}  // namespace fip::store
