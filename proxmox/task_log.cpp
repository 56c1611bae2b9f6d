#include "task_log.hpp"

#include "config/read_file.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fip::proxmox {
namespace {

constexpr std::size_t most_log = std::size_t{1} << 20;  // Proxmox begins another one at 50,000 bytes

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == text.npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_migration_of(std::string_view upid, int vmid) {
    const auto parts = split(upid, ':');
    return parts.size() >= 8 && parts[0] == "UPID" && (parts[5] == "qmigrate" || parts[5] == "vzmigrate") &&
           parts[6] == std::to_string(vmid);
}

/// Empty: it runs, or the line cannot be understood.
std::optional<std::chrono::sys_seconds> end_of(const std::vector<std::string_view>& words) {
    const std::size_t at = words.size() > 1 && words[1] == "1" ? 2 : 1;  // active says "1" before it, index does not
    if (words.size() <= at) return {};
    std::int64_t seconds = 0;
    const auto& word = words[at];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seconds, 16);
    if (error != std::errc{} || end != word.data() + word.size() || seconds == 0) return {};
    return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

}  // namespace

bool says_migrated(std::string_view tasks, int vmid, std::chrono::sys_seconds since) {
    for (const auto line : split(tasks, '\n')) {
        const auto words = split(line, ' ');
        if (!is_migration_of(words[0], vmid)) continue;
        const auto end = end_of(words);
        if (!end || *end >= since) return true;
    }
    return false;
}

bool has_migrated(int vmid, std::chrono::sys_seconds since, const std::filesystem::path& folder) {
    for (const auto* name : {"active", "index"}) {
        const auto log = config::read_file(folder / name, most_log, config::Access::anybody);
        if (!log.is_missing && says_migrated(log.text, vmid, since)) return true;
    }
    return false;
}

}  // namespace fip::proxmox
