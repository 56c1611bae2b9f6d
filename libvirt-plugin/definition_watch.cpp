#include "definition_watch.hpp"

#include <libvirt/libvirt.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

namespace fip::plugin {
namespace {

constexpr std::string_view suffix = ".xml";

struct Watch {
    int file;
    Tasks& tasks;
    std::string uri;

    ~Watch() { ::close(file); }

    void take(const inotify_event& event, std::string_view name) const {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            tasks.push({Task::Kind::compare, {}, {}, 0, {}});
        } else if (!name.starts_with('.') && name.ends_with(suffix) && name.size() > suffix.size()) {
            tasks.push({Task::Kind::changed, std::string{name.substr(0, name.size() - suffix.size())}, uri, 0, {}});
        }
    }
};

void on_readable(int, int file, int, void* opaque) noexcept {
    const auto& watch = *static_cast<const Watch*>(opaque);
    alignas(inotify_event) std::array<char, 8192> buffer{};
    for (;;) {
        const auto got = ::read(file, buffer.data(), buffer.size());
        if (got <= 0) return;
        const auto size = static_cast<std::size_t>(got);
        for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            watch.take(event, {name, event.len == 0 ? 0 : ::strnlen(name, event.len)});
            at += sizeof event + event.len;
        }
    }
}

void free_watch(void* opaque) {
    delete static_cast<Watch*>(opaque);
}

}  // namespace

DefinitionWatch::DefinitionWatch(const std::filesystem::path& folder, Tasks& tasks, const std::string& uri) {
    const int file = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (file < 0) return;
    auto watch = std::unique_ptr<Watch>{new Watch{file, tasks, uri}};
    // libvirt writes a new file and renames it.
    if (::inotify_add_watch(file, folder.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0) return;
    handle_ = virEventAddHandle(file, VIR_EVENT_HANDLE_READABLE, on_readable, watch.get(), free_watch);
    if (handle_ >= 0) static_cast<void>(watch.release());  // the loop's now
}

DefinitionWatch::~DefinitionWatch() {
    if (handle_ >= 0) virEventRemoveHandle(handle_);
}

}  // namespace fip::plugin
