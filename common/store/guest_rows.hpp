#pragma once

#include "ports/rows.hpp"
#include "store/sqlite.hpp"

namespace fip::store {

class SqliteGuestRows final : public GuestRows {
public:
    explicit SqliteGuestRows(Database& database);

    [[nodiscard]] std::vector<GuestNote> notes(NoteKind kind) const override;
    [[nodiscard]] std::vector<GuestNote> notes_of(const GuestId& guest) const override;
    void put(const GuestNote& note) override;
    void erase(NoteKind kind, const GuestId& guest, const std::optional<std::string>& slot) override;
    [[nodiscard]] std::string value(std::string_view key) const override;
    void set_value(std::string_view key, std::string_view value) override;

private:
    Database& database_;
    Query notes_, notes_of_, put_, erase_, value_, set_value_, erase_value_;
};

}  // namespace fip::store
