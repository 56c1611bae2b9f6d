#include "replace_file.hpp"

#include "ports/guest_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace fip::proxmox {
namespace {

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(file, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

void replace_file(const std::filesystem::path& file, std::string_view text) {
    const auto beside = file.string() + ".tmp." + std::to_string(::getpid());
    const auto fail = [&] {
        const int error = errno;
        ::unlink(beside.c_str());
        throw GuestsUnavailable{file.string() + " cannot be written: " + std::strerror(error)};
    };
    ::unlink(beside.c_str());  // of a process before us with our number, that was killed here
    const int opened = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (opened < 0) fail();
    const bool is_written = write_all(opened, text);
    const bool is_closed = ::close(opened) == 0;
    if (!is_written || !is_closed || ::rename(beside.c_str(), file.c_str()) != 0) fail();
}

}  // namespace fip::proxmox
