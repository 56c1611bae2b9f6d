#include "store/guest_rows.hpp"

#include "core/errors.hpp"
#include "store/columns.hpp"

#include <utility>

#define FIP_NOTE_COLUMNS "kind, guest_kind, guest_id, slot, name, pool, text, wall, boot, boot_id"

namespace fip::store {
namespace {

constexpr const char* notes_sql = "SELECT " FIP_NOTE_COLUMNS " FROM guest_note WHERE kind = ?1 ORDER BY place";
constexpr const char* notes_of_sql =
    "SELECT " FIP_NOTE_COLUMNS " FROM guest_note WHERE guest_id = ?1 AND guest_kind = ?2 ORDER BY place";
// wall, boot and boot_id are those of the first insertion, and so is the place. The same again changes nothing.
constexpr const char* put_sql = "INSERT INTO guest_note (" FIP_NOTE_COLUMNS
                                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                                " ON CONFLICT (guest_id, guest_kind, kind, slot) DO UPDATE"
                                " SET name = excluded.name, pool = excluded.pool, text = excluded.text"
                                " WHERE (name, pool, text) IS NOT (excluded.name, excluded.pool, excluded.text)";
constexpr const char* erase_sql =
    "DELETE FROM guest_note WHERE kind = ?1 AND guest_id = ?2 AND guest_kind = ?3 AND (?4 IS NULL OR slot = ?4)";
constexpr const char* value_sql = "SELECT value FROM named_value WHERE key = ?1";
constexpr const char* set_value_sql =
    "INSERT INTO named_value (key, value) VALUES (?1, ?2)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value != excluded.value";
constexpr const char* erase_value_sql = "DELETE FROM named_value WHERE key = ?1";

constexpr std::pair<NoteKind, std::string_view> kinds[] = {
    {NoteKind::waiting, "waiting"},       {NoteKind::absent, "absent"},
    {NoteKind::held_back, "held_back"},   {NoteKind::incoming, "incoming"},
    {NoteKind::claimed, "claimed"},       {NoteKind::swapping, "swapping"},
    {NoteKind::restarting, "restarting"}, {NoteKind::queued_start, "queued_start"}};

std::string_view name_of_kind(NoteKind wanted) {
    for (const auto& [kind, name] : kinds) {
        if (kind == wanted) return name;
    }
    throw StoreError{"a guest note of an unknown kind"};
}

NoteKind kind_named(std::string_view wanted) {
    for (const auto& [kind, name] : kinds) {
        if (name == wanted) return kind;
    }
    throw InputError{"unknown kind of note"};
}

GuestNote note_in(Cursor& row) {
    GuestNote note;
    note.kind = kind_named(row.text());
    note.guest.kind = guest_kind(row.text());
    note.guest.value = row.text();
    note.slot = row.text();
    note.name = row.text();
    note.pool = row.text();
    note.text = row.text();
    note.at.wall = read_time(row);
    note.at.boot = std::chrono::milliseconds{row.integer()};
    note.at.boot_id = row.text();
    return note;
}

}  // namespace

SqliteGuestRows::SqliteGuestRows(Database& database)
    : database_{database},
      notes_{database, notes_sql},
      notes_of_{database, notes_of_sql},
      put_{database, put_sql},
      erase_{database, erase_sql},
      value_{database, value_sql},
      set_value_{database, set_value_sql},
      erase_value_{database, erase_value_sql} {}

std::vector<GuestNote> SqliteGuestRows::notes(NoteKind kind) const {
    database_.require_read();
    Cursor row = notes_(name_of_kind(kind));
    return read_rows(row, note_in);
}

std::vector<GuestNote> SqliteGuestRows::notes_of(const GuestId& guest) const {
    database_.require_read();
    Cursor row = notes_of_(guest.value, name_of(guest.kind));
    return read_rows(row, note_in);
}

void SqliteGuestRows::put(const GuestNote& note) {
    database_.require_write();
    const auto& [kind, guest, slot, name, pool, text, at] = note;  // a new field does not compile without a column
    put_.run(name_of_kind(kind), name_of(guest.kind), guest.value, slot, name, pool, text, column_of(at.wall),
             std::int64_t{at.boot.count()}, at.boot_id);
}

void SqliteGuestRows::erase(NoteKind kind, const GuestId& guest, const std::optional<std::string>& slot) {
    database_.require_write();
    erase_.run(name_of_kind(kind), guest.value, name_of(guest.kind), slot);
}

std::string SqliteGuestRows::value(std::string_view key) const {
    database_.require_read();
    Cursor row = value_(key);
    return row.next() ? row.text() : std::string{};
}

void SqliteGuestRows::set_value(std::string_view key, std::string_view value) {
    database_.require_write();
    if (value.empty()) {
        erase_value_.run(key);
    } else {
        set_value_.run(key, value);
    }
}

}  // namespace fip::store
