#include "caller.hpp"

#include <charconv>
#include <fstream>
#include <string>

namespace fip::proxmox {
namespace {

constexpr int nearest = 4;
constexpr std::size_t most_text = 4096;

std::string beginning_of(const std::filesystem::path& file) {
    std::string text(most_text, '\0');
    std::ifstream in{file, std::ios::binary};
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

pid_t parent_of(const std::filesystem::path& process) {
    const auto status = beginning_of(process / "status");
    constexpr std::string_view key = "\nPPid:\t";
    const auto found = status.find(key);
    if (found == std::string::npos) return 0;
    pid_t parent = 0;
    const auto* begin = status.data() + found + key.size();
    (void)std::from_chars(begin, status.data() + status.size(), parent);
    return parent;
}

bool is_task(std::string_view command, std::string_view type) {
    for (auto colon = command.find(':'); colon != command.npos; colon = command.find(':', colon + 1)) {
        const auto part = command.substr(colon + 1, command.find(':', colon + 1) - colon - 1);
        if (part == type) return true;
    }
    return false;
}

}  // namespace

bool is_called_by(std::string_view task_type, pid_t parent, const std::filesystem::path& proc) noexcept try {
    for (int i = 0; i < nearest && parent > 1; ++i) {
        const auto process = proc / std::to_string(parent);
        const auto command = beginning_of(process / "cmdline");
        if (command.starts_with("task UPID:"))
            return is_task(command, task_type);  // and who had it done does not count
        parent = parent_of(process);
    }
    return false;
} catch (const std::exception&) {
    return false;  // no memory
}

}  // namespace fip::proxmox
