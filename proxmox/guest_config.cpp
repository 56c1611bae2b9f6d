#include "guest_config.hpp"

#include "core/errors.hpp"
#include "description.hpp"
#include "nic_line.hpp"
#include "property_string.hpp"
#include "text.hpp"

#include <algorithm>
#include <array>

namespace fip::proxmox {
namespace {

/// "PENDING" of "[PENDING]"; blanks may follow.
std::optional<std::string_view> section_head(std::string_view line) {
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    if (line.size() < 2 || line.front() != '[' || line.find(']') != line.size() - 1) return {};
    return line.substr(1, line.size() - 2);
}

bool is_snapshot_name(std::string_view name) {
    const auto text = lower(name);
    return text.size() >= 2 && text[0] >= 'a' && text[0] <= 'z' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

/// "vmbr0" of "key: vmbr0". Proxmox wants at least a blank after the colon, and has "" then.
std::optional<std::string_view> value_of_line(std::string_view line, std::string_view key) {
    if (!line.starts_with(key) || line.size() < key.size() + 2 || line[key.size()] != ':') return {};
    return trimmed(line.substr(key.size() + 1));
}

std::vector<std::string> split_list(std::string_view text) {
    constexpr std::string_view separators = ",; \t\n\r\f\v";
    std::vector<std::string> result;
    for (auto begin = text.find_first_not_of(separators); begin != std::string_view::npos;) {
        const auto end = std::min(text.find_first_of(separators, begin), text.size());
        result.emplace_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(separators, end);
    }
    return result;
}

bool is_disk(std::string_view key) {
    static constexpr std::array<std::string_view, 4> buses{"ide", "sata", "scsi", "virtio"};
    if (key == "cdrom") return true;  // an old name of ide2
    return std::ranges::any_of(buses, [key](std::string_view bus) {
        return key.starts_with(bus) && key.size() > bus.size() &&
               key.find_first_not_of("0123456789", bus.size()) == std::string_view::npos;
    });
}

/// "local:108/vm-108-cloudinit.qcow2", "local-lvm:vm-108-cloudinit", "local:cloudinit".
bool is_cloud_init_file(std::string_view file) {
    const auto folder = file.find_last_of(":/");
    if (folder == std::string_view::npos) return false;
    auto name = file.substr(folder + 1);
    if (name.starts_with("vm-")) {
        const auto end = name.find_first_not_of("0123456789", 3);
        if (end == std::string_view::npos || end == 3 || name[end] != '-') return false;
        name.remove_prefix(end + 1);
    }
    static constexpr std::array<std::string_view, 8> names{"cloudinit",      "cloudinit.raw",   "cloudinit.cow",
                                                           "cloudinit.qcow", "cloudinit.qcow2", "cloudinit.qed",
                                                           "cloudinit.vmdk", "cloudinit.cloop"};
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

GuestConfig::GuestConfig(GuestType type, std::string text) : type_{type}, text_{std::move(text)} {
    if (text_.size() > most_bytes) throw InputError{"a guest's config is longer than 1 MiB"};
    if (text_.find('\0') != std::string::npos) throw InputError{"a guest's config has a NUL byte"};
    read_lines();
}

void GuestConfig::read_lines() {
    auto section = Section::main;
    for (std::size_t begin = 0; begin < text_.size();) {
        const auto end = std::min(text_.find('\n', begin), text_.size());
        const auto next = std::min(end + 1, text_.size());
        const bool has_return = end > begin && end < text_.size() && text_[end - 1] == '\r';
        Line line{begin, end - begin - (has_return ? 1 : 0), next, section};
        if (const auto head = section_head(line_text(line))) {
            const bool is_vm = type_ == GuestType::vm;
            if (lower(*head) == (is_vm ? "pending" : "pve:pending")) {
                section = Section::pending;
                // A second section takes the place of the first.
                for (auto& earlier : lines_) {
                    if (earlier.section == Section::pending) earlier.section = Section::other;
                }
            } else if (is_vm || is_snapshot_name(*head)) {
                section = Section::other;
            }  // Any other line in brackets is only a bad line to containers: the section goes on.
            line.section = section == Section::main ? Section::main : Section::other;
        }
        lines_.push_back(line);
        begin = next;
    }
}

std::string_view GuestConfig::line_text(const Line& line) const {
    return std::string_view{text_}.substr(line.begin, line.size);
}

std::optional<std::string_view> GuestConfig::value_in(Section section, std::string_view key) const {
    for (auto i = lines_.size(); i > 0; --i) {
        const auto& line = lines_[i - 1];
        if (line.section != section) continue;
        if (const auto value = value_of_line(line_text(line), key)) return value;
    }
    return {};
}

std::optional<std::string_view> GuestConfig::value(std::string_view key) const {
    return value_in(Section::main, key);
}

bool GuestConfig::is_to_be_deleted(std::string_view key) const {
    const auto keys = split_list(value_in(Section::pending, "delete").value_or(""));
    return std::ranges::any_of(keys, [key](std::string_view each) {
        if (each.starts_with('!')) each.remove_prefix(1);  // by force
        return each == key;
    });
}

std::optional<std::string_view> GuestConfig::planned_value(std::string_view key) const {
    if (const auto pending = value_in(Section::pending, key)) return pending;
    if (is_to_be_deleted(key)) return {};
    return value(key);
}

std::string GuestConfig::lock() const {
    const auto lock = value("lock").value_or("");
    const bool is_resumed = lock.empty() && type_ == GuestType::vm && value("vmstate");
    return std::string{is_resumed ? "suspended" : lock};
}

bool GuestConfig::is_template() const {
    return is_yes(value("template").value_or(""));
}

std::string GuestConfig::name() const {
    return std::string{value(type_ == GuestType::vm ? "name" : "hostname").value_or("")};
}

std::string GuestConfig::uuid() const {
    if (type_ == GuestType::container) return {};
    return lower(PropertyString{value("smbios1").value_or("")}.value_of("uuid").value_or(""));
}

std::string GuestConfig::hookscript() const {
    return std::string{value("hookscript").value_or("")};
}

std::vector<std::string> GuestConfig::tags() const {
    return split_list(value("tags").value_or(""));
}

std::string GuestConfig::description() const {
    std::string result;
    for (const auto& line : lines_) {
        if (line.section != Section::main) continue;
        const auto text = line_text(line);
        if (text.starts_with('#')) {
            result += decode_text(text.substr(1));
            result += '\n';
        } else if (const auto value = value_of_line(text, "description")) {
            result += decode_text(*value);
        }
    }
    // Proxmox trims this much.
    const auto last = result.find_last_not_of(type_ == GuestType::vm ? blanks : "\n");
    result.resize(last == std::string::npos ? 0 : last + 1);
    return result;
}

std::vector<ConfigNic> GuestConfig::nics() const {
    std::vector<ConfigNic> result;
    for (int number = 0; number < most_nics; ++number) {
        if (const auto net = value("net" + std::to_string(number))) result.push_back(read_nic(type_, number, *net));
    }
    return result;
}

std::vector<ConfigNic> GuestConfig::planned_nics() const {
    std::vector<ConfigNic> result;
    for (int number = 0; number < most_nics; ++number) {
        if (const auto net = planned_value("net" + std::to_string(number)))
            result.push_back(read_nic(type_, number, *net));
    }
    return result;
}

bool GuestConfig::has_cloud_init() const {
    if (type_ == GuestType::container) return false;
    return std::ranges::any_of(lines_, [this](const Line& line) {
        if (line.section != Section::main) return false;
        const auto text = line_text(line);
        const auto key = text.substr(0, text.find(':'));
        const auto value = is_disk(key) ? value_of_line(text, key) : std::nullopt;
        if (!value) return false;
        const PropertyString drive{*value};
        const auto bare = drive.find_bare();
        return is_cloud_init_file(bare ? drive.value(*bare) : drive.value_of("file").value_or(""));
    });
}

}  // namespace fip::proxmox
