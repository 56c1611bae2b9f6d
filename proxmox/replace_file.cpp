#include "replace_file.hpp"

#include "config/write_all.hpp"
#include "ports/guest_source.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

constexpr const char* beside_the_file = ".tmp.";

bool has_ended(std::string_view process) {
    pid_t number = 0;
    const auto* end = process.data() + process.size();
    const auto read = std::from_chars(process.data(), end, number);
    return read.ec == std::errc{} && read.ptr == end && number > 0 && ::kill(number, 0) != 0 && errno == ESRCH;
}

/// What processes that were killed here left beside it, ours or Proxmox'. Of another node's process we know nothing,
/// but it does not write now: the lock is ours.
void remove_left(const fs::path& file) {
    const auto beginning = file.filename().string() + beside_the_file;
    std::vector<fs::path> left;
    std::error_code unreadable;  // then nothing can be written either
    for (fs::directory_iterator each{file.parent_path(), unreadable}; !unreadable && each != fs::directory_iterator{};
         each.increment(unreadable)) {
        const auto name = each->path().filename().string();
        if (name.starts_with(beginning) && has_ended(std::string_view{name}.substr(beginning.size()))) {
            left.push_back(each->path());
        }
    }
    for (const auto& each : left) ::unlink(each.c_str());
}

}  // namespace

void replace_file(const fs::path& file, std::string_view text) {
    const auto beside = file.string() + beside_the_file + std::to_string(::getpid());
    const auto fail = [&] {
        const int error = errno;
        ::unlink(beside.c_str());
        throw GuestsUnavailable{file.string() + " cannot be written: " + std::strerror(error)};
    };
    ::unlink(beside.c_str());  // of a process before us with our number, that was killed here
    const int opened = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (opened < 0) fail();
    const bool is_written = config::write_all(opened, text);
    const int error = errno;
    const bool is_closed = ::close(opened) == 0;
    if (!is_written) errno = error;
    if (!is_written || !is_closed || ::rename(beside.c_str(), file.c_str()) != 0) fail();
    remove_left(file);
}

}  // namespace fip::proxmox
