#include "config/config_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace fip::config {
namespace {

constexpr std::size_t max_lines = 200;

std::vector<Mistake> sorted(std::vector<Mistake> mistakes) {
    std::ranges::stable_sort(mistakes, {}, &Mistake::line);
    return mistakes;
}

std::string lines(std::string_view file, const std::vector<Mistake>& mistakes) {
    std::string result;
    auto out = std::back_inserter(result);
    for (std::size_t i = 0; i < mistakes.size() && i < max_lines; ++i) {
        const auto& mistake = mistakes[i];
        if (i != 0) result += '\n';
        fmt::format_to(out, "{}:", file);
        if (mistake.line != 0) fmt::format_to(out, "{}:", mistake.line);
        if (!mistake.key.empty()) fmt::format_to(out, " {}:", mistake.key);
        fmt::format_to(out, " {}", mistake.text);
    }
    if (mistakes.size() > max_lines) fmt::format_to(out, "\n{}: and {} more", file, mistakes.size() - max_lines);
    return result;
}

}  // namespace

ConfigError::ConfigError(std::string_view file, std::vector<Mistake> mistakes)
    : InputError(lines(file, sorted(mistakes))), mistakes_(sorted(std::move(mistakes))) {}

}  // namespace fip::config
