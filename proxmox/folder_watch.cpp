#include "folder_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace fip::proxmox {

FolderWatch::FolderWatch(const std::vector<std::filesystem::path>& folders)
    : file_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)} {
    if (file_ < 0) return;
    for (const auto& folder : folders) {
        (void)::inotify_add_watch(file_, folder.c_str(), IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE);
    }
}

FolderWatch::~FolderWatch() {
    if (file_ >= 0) ::close(file_);
}

bool FolderWatch::take() {
    bool is_there = true;
    alignas(inotify_event) std::array<char, 16384> events{};
    for (;;) {
        const auto n = ::read(file_, events.data(), events.size());
        if (n <= 0) return is_there;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            inotify_event event{};
            std::memcpy(&event, events.data() + at, sizeof event);
            if ((event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0) is_there = false;
            at += sizeof event + event.len;
        }
    }
}

}  // namespace fip::proxmox
