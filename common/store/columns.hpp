#pragma once

#include "core/address.hpp"
#include "core/errors.hpp"
#include "core/mac.hpp"
#include "core/time.hpp"
#include "store/sqlite.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How values lie in columns. What cannot be read back is damage: a StoreError, never a guess.
namespace fip::store {

[[nodiscard]] inline std::int64_t column_of(WallTime time) {
    return time.time_since_epoch().count();
}
[[nodiscard]] inline std::optional<std::int64_t> column_of(const std::optional<WallTime>& time) {
    return time ? std::optional{column_of(*time)} : std::nullopt;
}
[[nodiscard]] inline std::optional<std::string> column_of(const std::optional<Mac>& mac) {
    return mac ? std::optional{mac->text()} : std::nullopt;
}

[[nodiscard]] inline WallTime read_time(Cursor& row) {
    return WallTime{std::chrono::milliseconds{row.integer()}};
}
[[nodiscard]] inline std::optional<WallTime> read_maybe_time(Cursor& row) {
    const auto count = row.maybe_integer();
    return count ? std::optional{WallTime{std::chrono::milliseconds{*count}}} : std::nullopt;
}
[[nodiscard]] inline std::optional<Mac> read_maybe_mac(Cursor& row) {
    const auto text = row.maybe_text();
    return text ? std::optional{Mac::parse(*text)} : std::nullopt;
}
/// The words of a list that lies in one column, one blank between.
[[nodiscard]] inline std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> words;
    while (!list.empty()) {
        const auto end = list.find(' ');
        words.emplace_back(list.substr(0, end));
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
    }
    return words;
}
[[nodiscard]] inline int read_int(Cursor& row) {
    return static_cast<int>(row.integer());
}

/// What `read` makes of the row.
template <typename Read>
[[nodiscard]] auto read_row(Cursor& row, const Read& read) {
    try {
        return read(row);
    } catch (const InputError& error) {
        row.database().fail(std::string{"is damaged ("} + error.what() + "): restore a backup, see docs/store.md");
    }
}

/// The rest of a query's rows, each made by `read`.
template <typename Read>
[[nodiscard]] auto read_rows(Cursor& row, const Read& read) {
    std::vector<decltype(read(row))> values;
    while (row.next()) values.push_back(read_row(row, read));
    return values;
}

}  // namespace fip::store
