#include "definitions.hpp"

#include "ports/guest_source.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace fip::plugin {
namespace {

constexpr std::size_t most_text = 4U << 20U;
constexpr std::string_view suffix = ".xml";

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

std::string read_start(int folder, const char* name) {
    const int file = ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    std::string text;
    if (file < 0) return text;
    std::array<char, 16384> part{};
    while (text.size() < most_text) {
        const auto got = ::read(file, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(got));
        // libvirt writes the uuid near the top: most files need one read.
        if (text.find("</uuid>") != text.npos) break;
    }
    ::close(file);
    return text;
}

}  // namespace

std::string canonical_uuid(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_hex) {
            digits.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
        } else if (c != '-' && c != ' ' && c != '\n' && c != '\t') {
            return {};
        }
    }
    if (digits.size() != 32) return {};
    for (const std::size_t at : {8U, 13U, 18U, 23U}) digits.insert(at, 1, '-');
    return digits;
}

std::string uuid_in(std::string_view xml) {
    constexpr std::string_view opening = "<uuid>";
    const auto begin = xml.find(opening);
    if (begin == xml.npos) return {};
    const auto rest = xml.substr(begin + opening.size());
    const auto end = rest.find("</uuid>");
    return end == rest.npos ? std::string{} : canonical_uuid(rest.substr(0, end));
}

std::vector<DefinitionFolder::Definition> DefinitionFolder::scan() {
    const std::unique_ptr<DIR, CloseFolder> folder{::opendir(folder_.c_str())};
    if (!folder) throw GuestsUnavailable{folder_.string() + ": " + std::generic_category().message(errno)};
    std::vector<Definition> found;
    std::map<std::string, Seen> now;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(folder.get());
        if (entry == nullptr) break;
        const std::string_view name{entry->d_name};
        if (name.starts_with('.') || !name.ends_with(suffix) || name.size() == suffix.size()) continue;
        struct stat state {};
        // Gone between readdir and here: then it is no definition any more.
        if (::fstatat(::dirfd(folder.get()), entry->d_name, &state, 0) != 0 && errno == ENOENT) continue;
        Seen seen{state.st_ino, state.st_size, state.st_mtim.tv_sec * 1'000'000'000 + state.st_mtim.tv_nsec, {}};
        const auto before = seen_.find(std::string{name});
        const bool is_known = before != seen_.end() && before->second.inode == seen.inode &&
                              before->second.size == seen.size && before->second.changed_ns == seen.changed_ns;
        seen.uuid = is_known ? before->second.uuid : uuid_in(read_start(::dirfd(folder.get()), entry->d_name));
        found.push_back(
            {(folder_ / name).string(), std::string{name.substr(0, name.size() - suffix.size())}, seen.uuid});
        now.emplace(name, std::move(seen));
    }
    if (errno != 0) throw GuestsUnavailable{folder_.string() + ": " + std::generic_category().message(errno)};
    seen_ = std::move(now);
    return found;
}

}  // namespace fip::plugin
