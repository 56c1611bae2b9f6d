#include "guard/process_tree.hpp"

#include "guard/command_line.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace fip::guard {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

bool is_number(const char* name) {
    return *name != '\0' && std::strspn(name, "0123456789") == std::strlen(name);
}

}  // namespace

std::vector<ProcessTree::Process> ProcessTree::all() const {
    std::vector<Process> processes;
    const Folder folder{::opendir(proc_.c_str())};
    if (!folder) return processes;
    while (const auto* entry = ::readdir(folder.get())) {
        if (is_number(entry->d_name)) processes.emplace_back(entry->d_name);
    }
    return processes;
}

std::string ProcessTree::text(const Process& process, const char* file) const {
    constexpr std::size_t most = std::size_t{128} << 10;
    const int in = ::open((proc_.native() + "/" + process + "/" + file).c_str(), O_RDONLY | O_CLOEXEC);
    if (in < 0) return {};
    std::string all;
    std::array<char, 4096> part;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    while (all.size() < most) {
        const auto n = ::read(in, part.data(), part.size());
        if (n <= 0) break;
        all.append(part.data(), static_cast<std::size_t>(n));
    }
    ::close(in);
    return all;
}

std::string ProcessTree::command(const Process& process) const {
    auto name = text(process, "comm");
    while (name.ends_with('\n')) name.pop_back();
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
    return name.substr(0, 15);
}

std::vector<std::string> ProcessTree::words(const Process& process) const {
    return command_words(text(process, "cmdline"));
}

ProcessTree::Process ProcessTree::parent(const Process& process) const {
    constexpr std::string_view mark = "\nPPid:\t";
    const auto status = text(process, "status");
    const auto at = status.find(mark);
    if (at == std::string::npos) return {};
    const auto begin = at + mark.size();
    return status.substr(begin, status.find('\n', begin) - begin);
}

std::string ProcessTree::net_namespace(const Process& process) const {
    std::array<char, 64> target{};
    const auto n = ::readlink((proc_.native() + "/" + process + "/ns/net").c_str(), target.data(), target.size());
    return n > 0 ? std::string{target.data(), static_cast<std::size_t>(n)} : std::string{};
}

std::optional<ProcessTree::OpenFile> ProcessTree::find_file(Order order, const Wanted& wanted) const {
    auto processes = all();
    if (order == Order::qemu_first) {
        // A guest is found in time on a host with many processes too: a name costs less to read than open files.
        std::stable_partition(processes.begin(), processes.end(), [&](const Process& process) {
            const auto name = command(process);
            return name.starts_with("qemu") || name == "kvm";
        });
    }
    for (const auto& process : processes) {
        if (is_late()) return {};
        const Folder folder{::opendir((proc_.native() + "/" + process + "/fd").c_str())};
        if (!folder) continue;
        while (const auto* entry = ::readdir(folder.get())) {
            if (!is_number(entry->d_name)) continue;
            std::array<char, 256> target{};
            const auto n = ::readlinkat(::dirfd(folder.get()), entry->d_name, target.data(), target.size());
            if (n <= 0) continue;
            OpenFile file{process, entry->d_name};
            if (wanted(file, {target.data(), static_cast<std::size_t>(n)})) return file;
        }
    }
    return {};
}

}  // namespace fip::guard
