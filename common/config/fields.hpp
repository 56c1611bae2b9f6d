#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::config {

struct Limits {
    std::int64_t least;
    std::int64_t most;
};

enum class Zero { allowed, refused };

/// What is wrong with a text; empty: nothing.
using Check = std::function<std::string(std::string_view)>;

/// Reads one table key by key. Whatever is wrong goes to `mistakes`, and the key counts as absent.
/// The keys asked for are the known ones: finish() reports all others.
class Fields {
public:
    Fields(const Value& table, std::string path, Mistakes& mistakes);

    [[nodiscard]] const Value* find(std::string_view key);  ///< Any kind.
    [[nodiscard]] std::optional<std::string> text(std::string_view key, const Check& check);
    [[nodiscard]] std::optional<std::string> choice(std::string_view key, std::span<const std::string_view> words);
    [[nodiscard]] std::optional<int> number(std::string_view key, Limits limits);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key, Zero zero);
    /// A list of strings, not empty, none twice.
    [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view key, const Check& check);
    [[nodiscard]] const Value* table(std::string_view key);
    [[nodiscard]] const Value* list(std::string_view key);

    void mistake(std::string_view key, std::string text);  ///< At the key's line, or the table's where it is absent.
    void finish();

    [[nodiscard]] int line() const { return table_.line; }
    [[nodiscard]] int line_of(std::string_view key) const;
    [[nodiscard]] std::string path_of(std::string_view key) const;
    [[nodiscard]] Mistakes& mistakes() { return mistakes_; }

private:
    [[nodiscard]] const Value* find(std::string_view key, Kind kind);

    const Value& table_;
    std::string path_;
    Mistakes& mistakes_;
    std::vector<std::string_view> known_;
};

}  // namespace fip::config
