#include "config/fields.hpp"

#include "core/errors.hpp"
#include "core/time.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fip::config {

Fields::Fields(const Value& table, std::string path, Mistakes& mistakes)
    : table_(table), path_(std::move(path)), mistakes_(mistakes) {}

std::string Fields::path_of(std::string_view key) const {
    return path_.empty() ? shown(key) : fmt::format("{}.{}", path_, shown(key));
}

int Fields::line_of(std::string_view key) const {
    const auto entry = std::ranges::find(table_.entries, key, &Entry::key);
    return entry == table_.entries.end() ? table_.line : entry->line;
}

void Fields::mistake(std::string_view key, std::string text) {
    mistakes_.add(line_of(key), path_of(key), std::move(text));
}

const Value* Fields::find(std::string_view key) {
    if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
    const auto entry = std::ranges::find(table_.entries, key, &Entry::key);
    return entry == table_.entries.end() ? nullptr : &entry->value;
}

const Value* Fields::find(std::string_view key, Kind kind) {
    const auto* const value = find(key);
    if (value == nullptr || value->kind == kind) return value;
    mistake(key, fmt::format("expected {}, found {}", name_of(kind), name_of(value->kind)));
    return nullptr;
}

const Value* Fields::table(std::string_view key) {
    return find(key, Kind::table);
}
const Value* Fields::list(std::string_view key) {
    return find(key, Kind::list);
}

std::optional<std::string> Fields::text(std::string_view key, const Check& check) {
    const auto* const value = find(key, Kind::text);
    if (value == nullptr) return std::nullopt;
    if (auto wrong = check(value->text); !wrong.empty()) {
        mistake(key, std::move(wrong));
        return std::nullopt;
    }
    return value->text;
}

std::optional<std::string> Fields::choice(std::string_view key, std::span<const std::string_view> words) {
    return text(key, [&](std::string_view text) {
        if (std::ranges::find(words, text) != words.end()) return std::string{};
        return fmt::format("expected one of {}; found {}{}", fmt::join(words, ", "), shown(text),
                           did_you_mean(text, words));
    });
}

std::optional<int> Fields::number(std::string_view key, Limits limits) {
    const auto* const value = find(key, Kind::number);
    if (value == nullptr) return std::nullopt;
    if (value->number < limits.least || value->number > limits.most) {
        mistake(key,
                fmt::format("expected a number from {} to {}, found {}", limits.least, limits.most, value->number));
        return std::nullopt;
    }
    return static_cast<int>(value->number);
}

std::optional<bool> Fields::flag(std::string_view key) {
    const auto* const value = find(key, Kind::flag);
    return value == nullptr ? std::nullopt : std::optional{value->flag};
}

std::optional<std::chrono::milliseconds> Fields::duration(std::string_view key, Zero zero) {
    const auto* const value = find(key);
    if (value == nullptr) return std::nullopt;
    const std::string_view expected = zero == Zero::allowed
                                          ? "expected a duration like \"250ms\", \"5s\", \"10m\" or \"2h\""
                                          : "expected a duration above zero like \"5s\", \"10m\" or \"2h\"";
    if (value->kind != Kind::text) {
        mistake(key, fmt::format("{}, found {}", expected, name_of(value->kind)));
        return std::nullopt;
    }
    try {
        const auto result = parse_duration(value->text);
        if (zero == Zero::allowed || result.count() > 0) return result;
    } catch (const InputError&) {
        // reported below, together with the key
    }
    mistake(key, fmt::format("{}, found {}", expected, shown(value->text)));
    return std::nullopt;
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view key, const Check& check) {
    const auto* const value = list(key);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> result;
    for (std::size_t i = 0; i < value->items.size(); ++i) {
        const auto& item = value->items[i];
        auto wrong =
            item.kind == Kind::text ? check(item.text) : fmt::format("expected a string, found {}", name_of(item.kind));
        if (wrong.empty() && std::ranges::find(result, item.text) != result.end()) {
            wrong = fmt::format("{} is there twice", shown(item.text));
        }
        if (!wrong.empty()) mistakes_.add(item.line, fmt::format("{}[{}]", path_of(key), i), std::move(wrong));
        result.push_back(item.text);
        if (result.size() > 1000) {
            mistake(key, "expected at most 1000 entries");
            return std::nullopt;
        }
    }
    if (result.empty()) {
        mistake(key, "expected at least one entry");
        return std::nullopt;
    }
    return result;
}

void Fields::finish() {
    for (const auto& entry : table_.entries) {
        if (std::ranges::find(known_, entry.key) != known_.end()) continue;
        mistakes_.add(entry.line, path_of(entry.key), "unknown key" + did_you_mean(entry.key, known_));
    }
}

}  // namespace fip::config
