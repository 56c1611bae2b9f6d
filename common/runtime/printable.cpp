#include "runtime/printable.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace fip::runtime {
namespace {

struct Character {
    char32_t code = 0;
    std::size_t length = 0;  // 0: not UTF-8
};

Character next_character(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const auto first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
    char32_t code = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {};
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (is_overlong || is_surrogate || code > 0x10FFFF) return {};
    return {code, length};
}

bool is_harmless(char32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return false;
    // Marks that reorder or hide the rest of a line, and Unicode's own line ends.
    const bool is_mark = (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
                         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || code == 0x061C;
    return !is_mark && code < 0xE0000;
}

void append_escape(std::string& line, char32_t code) {
    switch (code) {
    case '\n':
        line += "\\n";
        return;
    case '\r':
        line += "\\r";
        return;
    case '\t':
        line += "\\t";
        return;
    default:
        break;
    }
    const auto number = static_cast<std::uint32_t>(code);
    if (code < 0x80) {
        fmt::format_to(std::back_inserter(line), "\\x{:02x}", number);
    } else {
        fmt::format_to(std::back_inserter(line), "\\u{{{:x}}}", number);
    }
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
    std::string line;
    line.reserve(text.size() < most ? text.size() : most);
    while (!text.empty()) {
        if (line.size() >= most) return line + "...";
        const auto character = next_character(text);
        if (character.length == 0) {
            fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<std::uint8_t>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        if (character.code == '\\') {
            line += "\\\\";
        } else if (is_harmless(character.code)) {
            line += text.substr(0, character.length);
        } else {
            append_escape(line, character.code);
        }
        text.remove_prefix(character.length);
    }
    return line;
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace fip::runtime
