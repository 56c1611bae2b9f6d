#include "config/document.hpp"

#include "config/config_error.hpp"
#include "config/mistakes.hpp"
#include "config/toml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace fip::config {
namespace {

constexpr std::size_t max_text = 4U << 20U;
constexpr std::size_t max_dots = 16;

std::size_t end_of_string(std::string_view text, std::size_t begin) {
    const char quote = text[begin];
    const bool is_long = text.substr(begin, 3) == std::string(3, quote);
    for (auto at = begin + (is_long ? 3 : 1); at < text.size(); ++at) {
        if (text[at] == '\\' && quote == '"') {
            ++at;
        } else if (!is_long && (text[at] == quote || text[at] == '\n')) {
            return at;
        } else if (is_long && text.substr(at, 3) == std::string(3, quote)) {
            return at + 2;
        }
    }
    return text.size();
}

/// Where a key like a.a.a.a goes too deep. toml++ limits lists and inline tables, but for each dot of a key it makes a
/// table inside a table, and later needs some stack for each of them.
std::optional<std::size_t> find_deep_key(std::string_view text) {
    std::size_t dots = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        switch (text[at]) {
        case '#':
            at = std::min(text.find('\n', at), text.size());
            dots = 0;
            break;
        case '"':
        case '\'':
            at = end_of_string(text, at);
            break;
        case '.':
            if (++dots > max_dots) return at;
            break;
        case '=':
        case ',':
        case '[':
        case ']':
        case '{':
        case '}':
        case '\n':
            dots = 0;
            break;
        default:
            break;
        }
    }
    return std::nullopt;
}

int line_at(std::string_view text, std::size_t at) {
    return static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')) + 1;
}

int line_of(const toml::source_region& region) {
    return static_cast<int>(region.begin.line);
}

Value convert(const toml::node& node) {
    Value value;
    value.line = line_of(node.source());
    if (const auto* const table = node.as_table()) {
        value.kind = Kind::table;
        value.entries.reserve(table->size());
        for (const auto& [key, child] : *table) {
            value.entries.push_back({std::string{key.str()}, line_of(key.source()), convert(child)});
        }
    } else if (const auto* const list = node.as_array()) {
        value.kind = Kind::list;
        value.items.reserve(list->size());
        for (const auto& child : *list) value.items.push_back(convert(child));
    } else if (const auto* const text = node.as_string()) {
        value.kind = Kind::text;
        value.text = text->get();
    } else if (const auto* const number = node.as_integer()) {
        value.kind = Kind::number;
        value.number = number->get();
    } else if (const auto* const flag = node.as_boolean()) {
        value.kind = Kind::flag;
        value.flag = flag->get();
    } else {
        value.kind = node.is_floating_point() ? Kind::fraction : Kind::time;
    }
    return value;
}

bool is_confusing(std::string_view text) {
    try {
        (void)toml::parse(text);
    } catch (const Confused&) {
        return true;
    } catch (const toml::parse_error&) {
        // what a cut in the middle of something leads to
    }
    return false;
}

/// The parser reads line by line: the first line that confuses it is the last of the shortest such text.
int find_confusing_line(std::string_view text) {
    std::vector<std::size_t> ends;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) ends.push_back(end);
    ends.push_back(text.size());
    const auto first =
        std::ranges::partition_point(ends, [&](std::size_t end) { return !is_confusing(text.substr(0, end)); });
    return static_cast<int>(first - ends.begin()) + 1;
}

}  // namespace

std::string_view name_of(Kind kind) noexcept {
    switch (kind) {
    case Kind::text:
        return "a string";
    case Kind::number:
        return "a whole number";
    case Kind::fraction:
        return "a fraction";
    case Kind::flag:
        return "true or false";
    case Kind::time:
        return "a date or time";
    case Kind::list:
        return "a list";
    case Kind::table:
        break;
    }
    return "a table";
}

Value parse_document(std::string_view text, std::string_view file_name) {
    const auto fail = [&](int line, std::string what) -> ConfigError {
        return {file_name, {Mistake{line, {}, std::move(what)}}};
    };
    if (text.size() > max_text) throw fail(0, fmt::format("longer than {} MiB", max_text >> 20U));
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        throw fail(line_at(text, nul), "has a NUL byte");
    if (const auto deep = find_deep_key(text))
        throw fail(line_at(text, *deep), "syntax error: a key with too many dots");
    try {
        return convert(toml::parse(text));
    } catch (const toml::parse_error& error) {
        throw fail(line_of(error.source()), fmt::format("syntax error: {}", printable(error.description())));
    } catch (const Confused&) {
        throw fail(find_confusing_line(text), "syntax error: expected a key, a value or the end of the line");
    }
}

}  // namespace fip::config
