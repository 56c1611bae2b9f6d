#include "property_string.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace fip::proxmox {

PropertyString::PropertyString(std::string_view text) {
    while (!text.empty()) {
        const auto comma = text.find(',');
        parts_.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return;
        text.remove_prefix(comma + 1);
        if (text.empty()) parts_.emplace_back();  // "a," comes back as "a,"
    }
}

std::string_view PropertyString::key(std::size_t part) const {
    const std::string_view text = parts_.at(part);
    const auto equals = text.find('=');
    return equals == std::string_view::npos ? std::string_view{} : text.substr(0, equals);
}

std::string_view PropertyString::value(std::size_t part) const {
    const std::string_view text = parts_.at(part);
    const auto equals = text.find('=');
    return equals == std::string_view::npos ? text : text.substr(equals + 1);
}

std::optional<std::size_t> PropertyString::find(std::string_view key) const {
    for (std::size_t part = 0; part < parts_.size(); ++part) {
        if (!key.empty() && this->key(part) == key) return part;
    }
    return {};
}

std::optional<std::string_view> PropertyString::value_of(std::string_view key) const {
    const auto part = find(key);
    return part ? std::optional{value(*part)} : std::nullopt;
}

std::optional<std::size_t> PropertyString::find_bare() const {
    for (std::size_t part = 0; part < parts_.size(); ++part) {
        const std::string_view text = parts_[part];
        if (text.find('=') == std::string_view::npos && text.find_first_not_of(" \t") != std::string_view::npos)
            return part;
    }
    return {};
}

void PropertyString::insert(std::size_t before, std::string text) {
    parts_.insert(parts_.begin() + static_cast<std::ptrdiff_t>(std::min(before, parts_.size())), std::move(text));
}

void PropertyString::erase(std::string_view key) {
    while (const auto part = find(key)) parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(*part));
}

std::string PropertyString::text() const {
    std::string result;
    for (std::size_t part = 0; part < parts_.size(); ++part) {
        if (part != 0) result += ',';
        result += parts_[part];
    }
    return result;
}

bool is_yes(std::string_view value) {
    static constexpr std::array<std::string_view, 4> words{"1", "on", "yes", "true"};
    return std::ranges::any_of(words, [value](std::string_view word) {
        return std::ranges::equal(word, value, [](char a, char b) {
            return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
        });
    });
}

}  // namespace fip::proxmox
