#include "task_log.hpp"

#include "config/read_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

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

/// A line of active or index.
struct Task {
    std::string_view upid;
    std::string_view process;  ///< When its process began: in hundredths of a second of boot time, in hex.
    std::string_view begun;    ///< In hex.
    std::string_view type;
    std::string_view id;
    std::optional<std::chrono::sys_seconds> end;  ///< Empty: it runs, or nobody has seen its end yet.
    std::string_view status;                      ///< "OK", or what went wrong.
};

std::int64_t read_hex(std::string_view word) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, 16);
    return error == std::errc{} && end == word.data() + word.size() ? number : 0;
}

std::optional<std::chrono::sys_seconds> read_time(std::string_view word) {
    const auto seconds = read_hex(word);
    return seconds == 0 ? std::nullopt : std::optional{std::chrono::sys_seconds{std::chrono::seconds{seconds}}};
}

std::vector<Task> read_tasks(std::string_view text) {
    std::vector<Task> tasks;
    for (const auto line : split(text, '\n')) {
        const auto words = split(line, ' ');
        const auto parts = split(words[0], ':');
        if (parts.size() < 8 || parts[0] != "UPID") continue;
        Task task{words[0], parts[3], parts[4], parts[5], parts[6], {}, {}};
        const std::size_t at =
            words.size() > 1 && words[1] == "1" ? 2 : 1;  // active says "1" before it, index does not
        if (words.size() > at) task.end = read_time(words[at]);
        if (words.size() > at + 1) task.status = words[at + 1];
        tasks.push_back(task);
    }
    return tasks;
}

/// The tasks in both, as long as the text lives.
std::string both_logs(const fs::path& folder) {
    std::string text;
    for (const auto* name : {"active", "index"}) {
        text += config::read_file(folder / name, most_log, config::Access::anybody).text + "\n";
    }
    return text;
}

/// active learns of an end late, the task's own log at once (PVE::RESTEnvironment::fork_worker).
bool has_failed(const Task& task, const fs::path& folder) {
    if (task.end) return task.status != "OK" && task.status != "WARNINGS:";
    const auto place = folder / std::string{task.begun.substr(task.begun.size() - 1)} / std::string{task.upid};
    return config::read_file(place, most_log, config::Access::anybody).text.find("TASK ERROR") != std::string::npos;
}

}  // namespace

bool says_migrated(std::string_view tasks, int vmid, std::chrono::sys_seconds since) {
    return std::ranges::any_of(read_tasks(tasks), [&](const Task& task) {
        const bool is_migration = task.type == "qmigrate" || task.type == "vzmigrate";
        return is_migration && task.id == std::to_string(vmid) && (!task.end || *task.end >= since);
    });
}

bool has_migrated(int vmid, std::chrono::sys_seconds since, const fs::path& folder) {
    return says_migrated(both_logs(folder), vmid, since);
}

bool has_other_end(int vmid, const Since& since, int ours, const fs::path& folder) {
    const auto text = both_logs(folder);
    std::set<std::string_view> stops;  // what has ended may stand in both
    for (const auto& task : read_tasks(text)) {
        const bool is_end = task.type == "qmstop" || task.type == "qmshutdown" || task.type == "qmdestroy";
        if (!is_end || task.id != std::to_string(vmid)) continue;
        const auto begun = read_time(task.begun);
        const auto next_tick = (read_hex(task.process) + 1) * 10ms;
        const bool is_since = begun && *begun >= since.wall && next_tick > since.boot;
        if (!is_since || has_failed(task, folder)) continue;
        if (task.type != "qmstop") return true;
        stops.insert(task.upid);
    }
    return std::ssize(stops) > ours;
}

}  // namespace fip::proxmox
