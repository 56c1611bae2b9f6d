#include "core/errors.hpp"
#include "description.hpp"
#include "guest_config.hpp"

#include <algorithm>

namespace fip::proxmox {
namespace {

/// Lines of the main section, as they come out.
struct OutLine {
    std::string text;
    std::string end;  ///< Its line break; empty only at the end of a file.
};

using Lines = std::vector<OutLine>;

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos;
}

bool has_key(const OutLine& line, std::string_view key) {
    return line.text.size() > key.size() + 1 && line.text.starts_with(key) && line.text[key.size()] == ':';
}

bool is_comment(const OutLine& line) {
    return line.text.starts_with('#');
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> result;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        result.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

/// A value that parse_vm_config() reads as it is.
void check_value(const ConfigChange& change) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    const auto& value = *change.value;
    if (value.empty() || value.front() == ' ' || value.back() == ' ' || std::ranges::any_of(value, is_control))
        throw InputError{"not a value of " + change.key + " that Proxmox can keep"};
}

void check_key(std::string_view key) {
    const auto letters = key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-");
    const auto digits = letters == std::string_view::npos ? letters : key.find_first_not_of("0123456789", letters);
    if (key.empty() || key.front() < 'a' || key.front() > 'z' || digits != std::string_view::npos)
        throw InputError{"not a key of a guest's config: " + encode_text(key.substr(0, 64))};
}

class Edit {
public:
    Edit(Lines lines, std::string line_break) : lines_{std::move(lines)}, line_break_{std::move(line_break)} {}

    [[nodiscard]] const Lines& lines() const { return lines_; }

    void remove(std::string_view key) {
        std::erase_if(lines_, [key](const OutLine& line) { return has_key(line, key); });
    }

    void set(const std::string& key, const std::string& value) {
        const auto text = key + ": " + value;
        const auto last = std::find_if(lines_.rbegin(), lines_.rend(), [&](const auto& l) { return has_key(l, key); });
        if (last != lines_.rend()) {
            last->text = text;
            return;
        }
        auto at = lines_.size();
        while (at > 0 && is_blank(lines_[at - 1].text)) --at;
        insert(at, text);
    }

    void remove_description() {
        remove("description");
        std::erase_if(lines_, is_comment);
    }

    void set_description(const std::string& description) {
        const auto key = find_if([](const OutLine& line) { return has_key(line, "description"); });
        if (key < lines_.size()) return set_description_key(key, description);

        const auto wanted = split_lines(description);
        std::size_t same = 0;  // the lines that stay
        auto at = find_if(is_comment);
        if (at == lines_.size()) at = 0;
        for (std::size_t i = at; i < lines_.size() && same < wanted.size(); ++i) {
            if (!is_comment(lines_[i])) continue;
            if (decode_text(std::string_view{lines_[i].text}.substr(1)) != wanted[same]) break;
            ++same;
            at = i + 1;
        }
        std::size_t seen = 0;
        std::erase_if(lines_, [&](const OutLine& line) { return is_comment(line) && seen++ >= same; });
        for (std::size_t i = same; i < wanted.size(); ++i) insert(at++, "#" + encode_text(wanted[i]));
    }

private:
    template <typename Test>
    [[nodiscard]] std::size_t find_if(Test is_wanted) const {
        return static_cast<std::size_t>(std::ranges::find_if(lines_, is_wanted) - lines_.begin());
    }

    /// The line before gets a break if it had none: the file's last, which now lacks one no less.
    void insert(std::size_t at, std::string text) {
        std::string end = line_break_;
        if (at > 0 && lines_[at - 1].end.empty()) std::swap(end, lines_[at - 1].end);
        lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(at), {std::move(text), std::move(end)});
    }

    /// All in one line, as old versions wrote it.
    void set_description_key(std::size_t key, const std::string& description) {
        auto text = encode_text(description);
        if (text.front() == ' ') text.replace(0, 1, "%20");
        if (text.back() == ' ') text.replace(text.size() - 1, 1, "%20");
        lines_[key].text = "description: " + text;
        std::size_t seen = 0;
        std::erase_if(lines_, [&](const OutLine& line) {
            return is_comment(line) || (has_key(line, "description") && seen++ > 0);
        });
    }

    Lines lines_;
    std::string line_break_;
};

}  // namespace

std::string changed_text(const GuestConfig& config, const std::vector<ConfigChange>& changes) {
    const std::string_view text = config.text_;
    Lines lines;
    std::size_t rest = 0;
    for (const auto& line : config.lines_) {
        if (line.section != GuestConfig::Section::main) break;
        const auto end = line.begin + line.size;
        lines.push_back({std::string{config.line_text(line)}, std::string{text.substr(end, line.next - end)}});
        rest = line.next;
    }
    const auto first_break = text.find('\n');
    const bool has_returns = first_break != std::string_view::npos && first_break > 0 && text[first_break - 1] == '\r';
    Edit edit{std::move(lines), has_returns ? "\r\n" : "\n"};

    for (const auto& change : changes) {
        check_key(change.key);
        if (change.key == "description") {
            if (!change.value || is_blank(*change.value)) {
                edit.remove_description();
            } else if (*change.value != config.description()) {
                edit.set_description(*change.value);
            }
        } else if (!change.value) {
            edit.remove(change.key);
        } else {
            check_value(change);
            if (config.value(change.key) != *change.value) edit.set(change.key, *change.value);
        }
    }

    std::string result;
    for (const auto& line : edit.lines()) result.append(line.text).append(line.end);
    return result.append(text.substr(rest));
}

}  // namespace fip::proxmox
