#include "description.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fip::proxmox {
namespace {

constexpr std::string_view start_text = "<!-- failover-ip -->";
constexpr std::string_view end_text = "<!-- /failover-ip -->";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Bytes of the UTF-8 character at the front; 0: none that is well-formed.
std::size_t character_size(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const bool is_overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
    const bool is_surrogate = lead == 0xed && byte(1) >= 0xa0;
    const bool is_too_high = lead == 0xf4 && byte(1) >= 0x90;
    return is_overlong || is_surrogate || is_too_high ? 0 : size;
}

/// What Proxmox counts; a byte that belongs to no character is one.
std::size_t character_count(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const auto size = character_size(text);
        text.remove_prefix(size == 0 ? 1 : size);
        ++count;
    }
    return count;
}

struct Marker {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_start = false;
};

/// `<!-- failover-ip -->`, with any blanks: people reformat their Notes.
std::optional<Marker> marker_at(std::string_view text, std::size_t begin) {
    auto at = begin;
    const auto take = [&](std::string_view word) {
        if (text.substr(at, word.size()) != word) return false;
        at += word.size();
        return true;
    };
    const auto skip_blanks = [&] {
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    };
    if (!take("<!--")) return {};
    skip_blanks();
    const bool is_end = take("/");
    skip_blanks();
    if (!take("failover-ip")) return {};
    skip_blanks();
    if (!take("-->")) return {};
    return Marker{begin, at, !is_end};
}

std::vector<Marker> find_markers(std::string_view text) {
    std::vector<Marker> result;
    for (auto at = text.find("<!--"); at != std::string_view::npos; at = text.find("<!--", at + 1)) {
        if (const auto marker = marker_at(text, at)) result.push_back(*marker);
    }
    return result;
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_intact = false;  ///< One start, one end, one line.
};

/// Everything that is ours.
std::vector<Span> our_spans(std::string_view text) {
    const auto markers = find_markers(text);
    std::vector<Span> result;
    for (std::size_t i = 0; i < markers.size(); ++i) {
        const auto& marker = markers[i];
        if (!marker.is_start) {
            result.push_back({marker.begin, marker.end, false});
            continue;
        }
        const bool has_end = i + 1 < markers.size() && !markers[i + 1].is_start;
        const auto inside = has_end ? text.substr(marker.end, markers[i + 1].begin - marker.end) : std::string_view{};
        if (has_end && inside.find("\n\n") == std::string_view::npos) {
            result.push_back({marker.begin, markers[i + 1].end, inside.find('\n') == std::string_view::npos});
            ++i;
            continue;
        }
        auto end = std::min(text.find('\n', marker.end), text.size());
        if (i + 1 < markers.size()) end = std::min(end, markers[i + 1].begin);
        result.push_back({marker.begin, end, false});
    }
    return result;
}

/// A line that was ours alone goes whole; at the end of the text with the empty line that we put before it.
std::string without(std::string_view text, const Span& span) {
    auto begin = span.begin;
    auto end = span.end;
    const bool is_alone = (begin == 0 || text[begin - 1] == '\n') && (end == text.size() || text[end] == '\n');
    if (is_alone) {
        if (end < text.size()) {
            ++end;
        } else if (begin > 0) {
            --begin;
            if (begin > 0 && text[begin - 1] == '\n') --begin;
        }
    }
    return std::string{text.substr(0, begin)}.append(text.substr(end));
}

std::string without_ours(std::string text) {
    // What one marker leaves may meet and be another.
    for (auto spans = our_spans(text); !spans.empty(); spans = our_spans(text)) {
        for (auto i = spans.size(); i > 0; --i) text = without(text, spans[i - 1]);
    }
    return text;
}

std::string without_last_breaks(std::string text) {
    const auto last = text.find_last_not_of('\n');
    text.resize(last == std::string::npos ? 0 : last + 1);
    return text;
}

}  // namespace

std::string encode_text(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        if (c >= ' ' && c <= '~' && c != ':' && c != '%') {
            result += c;
            continue;
        }
        const auto byte = static_cast<std::uint8_t>(c);
        result += '%';
        result += digits[byte >> 4];
        result += digits[byte & 15];
    }
    return result;
}

std::string decode_text(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape =
            text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
        result += is_escape ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
        if (is_escape) i += 2;
    }
    return result;
}

std::string escape_markdown(std::string_view text) {
    constexpr std::string_view special = "&<>|`*_~[]()\\#!\"'{}$";
    std::string result;
    while (!text.empty()) {
        const auto size = character_size(text);
        const char c = text.front();
        if (size == 0) {
            result += '?';
        } else if (size > 1) {
            result += text.substr(0, size);
        } else if (c < ' ' || c == '\x7f') {
            result += ' ';
        } else if (special.find(c) != std::string_view::npos) {
            result += "&#" + std::to_string(static_cast<int>(c)) + ";";
        } else {
            result += c;
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return result;
}

std::string with_our_line(std::string_view description, const std::optional<std::string>& line) {
    // Longer than any that Proxmox took: typed into the file, perhaps to keep us busy.
    if (description.size() > 4 * most_description) return std::string{description};
    const auto spans = our_spans(description);
    const auto marked = line ? std::string{start_text} + *line + std::string{end_text} : std::string{};
    const auto fits = [](std::string_view text) { return character_count(text) <= most_description; };

    if (line && spans.size() == 1 && spans.front().is_intact) {
        const auto& span = spans.front();
        auto changed = std::string{description.substr(0, span.begin)} + marked;
        changed += description.substr(span.end);
        if (fits(changed)) return changed;
    }

    const auto foreign = without_ours(std::string{description});
    if (line) {
        auto changed = without_last_breaks(foreign);
        if (!changed.empty()) changed += "\n\n";
        changed += marked;
        if (fits(changed)) return changed;
    }
    return fits(foreign) ? foreign : std::string{description};
}

bool has_our_line(std::string_view description) {
    return !find_markers(description).empty();
}

}  // namespace fip::proxmox
