#include "simulators/pve/text.hpp"

#include <boost/uuid/detail/sha1.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>

namespace fip::sim::pve {
namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::string_view upper_digits = "0123456789ABCDEF";

unsigned random_byte() {
    static std::random_device source;
    return source() & 0xffU;
}

std::string random_hex(std::size_t bytes, std::string_view alphabet) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) {
        const auto byte = random_byte();
        text += alphabet[byte >> 4U];
        text += alphabet[byte & 15U];
    }
    return text;
}

int digit(char c) {
    const auto at = digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    return at == digits.npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(at), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string join(const std::vector<std::string>& parts, const std::string& between) {
    std::string text;
    for (const auto& part : parts) text += (text.empty() ? "" : between) + part;
    return text;
}

std::string trimmed(std::string_view text) {
    constexpr auto blanks = " \t\r\n";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == text.npos) return "";
    return std::string{text.substr(begin, text.find_last_not_of(blanks) - begin + 1)};
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::string encode_text(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c >= ' ' && c <= '~' && c != '%' && c != ':') {
            result += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        result += {'%', upper_digits[byte >> 4U], upper_digits[byte & 15U]};
    }
    return result;
}

std::string decode_text(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_code =
            text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
        result += is_code ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
        if (is_code) i += 2;
    }
    return result;
}

std::string sha1_hex(const std::string& text) {
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(text.data(), text.size());
    std::array<unsigned, 5> words{};
    hash.get_digest(*reinterpret_cast<unsigned(*)[5]>(words.data()));
    std::string result;
    for (const auto word : words) {
        for (int shift = 28; shift >= 0; shift -= 4) result += digits[(word >> static_cast<unsigned>(shift)) & 15U];
    }
    return result;
}

std::string random_uuid() {
    auto text = random_hex(16, digits);
    text[12] = '4';
    text[16] = "89ab"[random_byte() & 3U];
    for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, "-");
    return text;
}

std::string random_mac(const std::string& prefix) {
    auto text = prefix;
    while (text.size() < 17) text += ":" + random_hex(1, upper_digits);
    return text;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace fip::sim::pve
