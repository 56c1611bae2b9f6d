#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fip::config {

enum class Kind { text, number, fraction, flag, time, list, table };

struct Entry;

/// A TOML value with the line it stands in.
struct Value {
    Kind kind = Kind::table;
    int line = 0;
    std::string text;
    std::int64_t number = 0;
    bool flag = false;
    std::vector<Value> items;    ///< Of a list.
    std::vector<Entry> entries;  ///< Of a table, by key.
};

struct Entry {
    std::string key;
    int line = 0;
    Value value;
};

/// "a string", "a list": as a message names it.
[[nodiscard]] std::string_view name_of(Kind kind) noexcept;

/// The whole text as one table.
/// @throws ConfigError  a syntax error, a NUL byte, not UTF-8, above 4 MiB: one mistake, with its line
[[nodiscard]] Value parse_document(std::string_view text, std::string_view file_name);

}  // namespace fip::config
