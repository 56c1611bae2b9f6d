#include "firewall_sets.hpp"

#include "core/errors.hpp"
#include "text.hpp"

#include <algorithm>
#include <optional>

namespace fip::proxmox {
namespace {

constexpr std::string_view our_comment = "failover-ip";

/// Lines with their breaks.
std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> result;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
        result.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return result;
}

bool is_head(std::string_view line) {
    return line.starts_with('[');
}

struct SetHead {
    std::string name;  ///< Lower case, as Proxmox compares it.
    bool is_ours = false;
};

/// "[IPSET name] # comment", in any case.
std::optional<SetHead> set_head(std::string_view line) {
    constexpr std::string_view word = "[ipset";
    const auto close = line.find(']');
    if (close == std::string_view::npos || lower(line.substr(0, word.size())) != word) return {};
    const auto name = line.substr(word.size(), close - word.size());
    if (name.empty() || blanks.find(name.front()) == std::string_view::npos) return {};
    auto rest = trimmed(line.substr(close + 1));
    const bool has_comment = rest.starts_with('#');
    if (has_comment) rest = trimmed(rest.substr(1));
    return SetHead{lower(trimmed(name)), has_comment && rest == our_comment};
}

/// As Proxmox writes it: a single address without its length.
std::string entry_text(const Prefix& range) {
    return range.length() == range.first().bits() ? range.first().text() : range.text();
}

/// Absent: not an entry that we would write.
std::optional<std::string> entry_of(std::string_view line) {
    const auto text = trimmed(line.substr(0, line.find('#')));
    try {
        return entry_text(Prefix::parse(text));
    } catch (const InputError&) {
        return {};
    }
}

bool is_entry(std::string_view line) {
    const auto text = trimmed(line);
    return !text.empty() && !line.starts_with('#');
}

class SetFile {
public:
    SetFile(std::string_view text, std::string name) : lines_{split_lines(text)}, name_{std::move(name)} {
        if (!lines_.empty() && lines_.front().ends_with("\r\n")) line_break_ = "\r\n";
    }

    [[nodiscard]] std::vector<std::size_t> heads(bool are_ours) const {
        std::vector<std::size_t> result;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const auto head = set_head(lines_[i]);
            if (head && head->name == name_ && head->is_ours == are_ours) result.push_back(i);
        }
        return result;
    }

    /// With its entries, and with what leads to it at the end of the file.
    void remove(std::size_t head) {
        auto end = section_end(head);
        auto begin = head;
        if (end == lines_.size() && begin > 0 && trimmed(lines_[begin - 1]).empty()) --begin;
        // What a person wrote above the next head is about that one.
        while (end > head + 1 && lines_[end - 1].starts_with('#')) --end;
        lines_.erase(at(begin), at(end));
    }

    void keep(std::size_t head, std::vector<std::string> wanted) {
        auto place = head + 1;
        if (place < lines_.size() && trimmed(lines_[place]).empty()) ++place;
        for (auto i = head + 1; i < section_end(head);) {
            if (!is_entry(lines_[i])) {
                ++i;
                continue;
            }
            const auto entry = entry_of(lines_[i]);
            const auto found = entry ? std::ranges::find(wanted, *entry) : wanted.end();
            if (found == wanted.end()) {
                lines_.erase(at(i));
            } else {
                wanted.erase(found);
                place = ++i;
            }
        }
        insert(std::min(place, lines_.size()), wanted);
    }

    void append(const std::vector<std::string>& entries) {
        std::vector<std::string> added;
        if (!lines_.empty()) added.emplace_back();  // remove() takes it away again
        added.push_back("[IPSET " + name_ + "] # " + std::string{our_comment});
        added.emplace_back();
        added.insert(added.end(), entries.begin(), entries.end());
        insert(lines_.size(), added);
    }

    [[nodiscard]] std::string text() const {
        std::string result;
        for (const auto& line : lines_) result += line;
        return result;
    }

private:
    [[nodiscard]] std::vector<std::string>::iterator at(std::size_t line) {
        return lines_.begin() + static_cast<std::ptrdiff_t>(line);
    }

    [[nodiscard]] std::size_t section_end(std::size_t head) const {
        auto end = head + 1;
        while (end < lines_.size() && !is_head(lines_[end])) ++end;
        return end;
    }

    void insert(std::size_t place, const std::vector<std::string>& texts) {
        if (texts.empty()) return;
        if (place > 0 && !lines_[place - 1].ends_with('\n')) lines_[place - 1] += line_break_;
        for (const auto& text : texts) lines_.insert(at(place++), text + line_break_);
    }

    std::vector<std::string> lines_;
    std::string name_;
    std::string line_break_ = "\n";
};

}  // namespace

std::string with_ipfilter(std::string_view text, int nic, const std::vector<Prefix>& ranges) {
    SetFile file{text, "ipfilter-net" + std::to_string(nic)};
    if (!file.heads(false).empty()) return std::string{text};

    auto ours = file.heads(true);
    // Of several, Proxmox takes the last.
    while (ours.size() > (ranges.empty() ? 0U : 1U)) {
        file.remove(ours.front());
        ours = file.heads(true);
    }
    if (ranges.empty()) return file.text();

    std::vector<std::string> wanted;
    for (const auto& range : ranges) {
        auto entry = entry_text(range);
        if (std::ranges::find(wanted, entry) == wanted.end()) wanted.push_back(std::move(entry));
    }
    if (ours.empty()) {
        file.append(wanted);
    } else {
        file.keep(ours.front(), std::move(wanted));
    }
    return file.text();
}

}  // namespace fip::proxmox
