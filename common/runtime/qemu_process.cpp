#include "runtime/qemu_process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fip::runtime {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::size_t most_text = 4U << 20U;
constexpr std::size_t most_threads = 8192;

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

/// Empty: it is not there, or too long to be what it should be.
std::string read_text(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    std::string text;
    if (file < 0) return text;
    std::array<char, 16384> part{};
    for (;;) {
        const auto got = ::read(file, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > most_text) break;
    }
    ::close(file);
    return text.size() > most_text ? std::string{} : text;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char by) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(by), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string_view line_of(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

std::optional<milliseconds> age_of(const std::filesystem::path& process) {
    const auto text = read_text(process / "stat");
    const auto name_end = text.rfind(") ");  // the name may hold anything
    if (name_end == text.npos) return std::nullopt;
    const auto fields = split(line_of(std::string_view{text}.substr(name_end + 2)), ' ');
    constexpr std::size_t start_field = 22 - 3;  // see proc(5); the first after the name is number 3
    const auto ticks = fields.size() > start_field ? number<std::int64_t>(fields[start_field]) : std::nullopt;
    const auto hertz = ::sysconf(_SC_CLK_TCK);
    timespec now{};
    if (!ticks || hertz <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return std::nullopt;
    const milliseconds begin{*ticks * 1000 / hertz};
    const milliseconds up{std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
    return std::max(up - begin, milliseconds{0});
}

std::optional<microseconds> ran_most(const std::filesystem::path& process) {
    const auto tasks = process / "task";
    const std::unique_ptr<DIR, CloseFolder> folder{::opendir(tasks.c_str())};
    std::optional<microseconds> most;
    std::size_t seen = 0;
    while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
        if (entry->d_name[0] == '.' || ++seen > most_threads) continue;
        const auto thread = tasks / entry->d_name;
        if (!read_text(thread / "comm").starts_with("CPU ")) continue;
        const auto text = read_text(thread / "schedstat");
        const auto time = number<std::int64_t>(std::string_view{text}.substr(0, text.find(' ')));
        if (!time) return std::nullopt;
        most = std::max(most.value_or(microseconds{0}), std::chrono::duration_cast<microseconds>(nanoseconds{*time}));
    }
    return most;
}

/// A property of a -device argument: JSON ("mac":"52:…") or a list (mac=52:…).
std::string_view property_in(std::string_view device, std::string_view name) {
    const bool is_json = device.starts_with('{');
    const auto key = is_json ? "\"" + std::string{name} + "\":\"" : "," + std::string{name} + "=";
    const auto at = device.find(key);
    if (at == device.npos) return {};
    const auto value = device.substr(at + key.size());
    return value.substr(0, value.find_first_of(is_json ? '"' : ','));
}

void read_arguments(const std::vector<std::string_view>& arguments, QemuProcess& process) {
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const auto option = arguments[i - 1];
        if (option == "-incoming" || option == "-loadvm" || option == "-loadstate") process.is_continued = true;
        if (option == "-kernel") process.has_kernel = true;
        if (option != "-device") continue;
        const auto mac = Mac::try_parse(property_in(arguments[i], "mac"));
        if (mac) process.nics.push_back({std::string{property_in(arguments[i], "id")}, *mac});
    }
}

}  // namespace

std::optional<QemuProcess> find_qemu_process(const std::filesystem::path& pid_file, std::string_view option,
                                             std::string_view value, const std::filesystem::path& proc) {
    const auto text = read_text(pid_file);
    const auto pid = number<std::uint32_t>(line_of(text));
    if (!pid || *pid == 0) return {};
    const auto folder = proc / std::to_string(*pid);
    const auto command = read_text(folder / "cmdline");
    const auto arguments = split(command, '\0');
    const auto found = std::ranges::find(arguments, option);
    // The file may be an old one, and its process another's by now.
    if (found == arguments.end() || found + 1 == arguments.end() || *(found + 1) != value) return {};
    const auto age = age_of(folder);
    if (!age) return {};
    QemuProcess process;
    process.age = *age;
    process.ran = ran_most(folder);
    read_arguments(arguments, process);
    return process;
}

}  // namespace fip::runtime
