#pragma once

#include "config/config_error.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fip::config {

/// Collects what is wrong while the file is read to its end.
class Mistakes {
public:
    void add(int line, std::string_view key, std::string text) {
        found_.push_back({line, std::string{key}, std::move(text)});
    }
    [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
    [[nodiscard]] std::vector<Mistake> take() { return std::move(found_); }

private:
    std::vector<Mistake> found_;
};

/// For a message: control characters as \x0a, cut after `limit` characters.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 300);

/// For a message: short, printable, in quotes where it is not a plain word.
[[nodiscard]] std::string shown(std::string_view text);

/// The candidate that a typing error could have turned into `word`; empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `; did you mean "warm"?`, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace fip::config
