#include "simulators/pve/pmxcfs_mount.hpp"

#define FUSE_USE_VERSION 31
#include <fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace fip::sim::pve {

namespace {

struct Context {
    ClusterTree& tree;
    std::string node;
    const Switches& switches;
};

// Debian's www-data.
constexpr gid_t file_group = 33;

struct Seen {
    ClusterTree& tree;
    const std::string& node;
    bool is_stale;
};

std::string without_slash(const char* path) {
    return path + 1;
}

// FUSE's callbacks, where errors become the errno that the caller sees.
struct Callbacks {
    template <typename Action>
    static int answer(Action action) {
        const auto& context = *static_cast<const Context*>(::fuse_get_context()->private_data);
        while (context.switches.hang) std::this_thread::sleep_for(std::chrono::milliseconds{20});
        try {
            return action(Seen{context.tree, context.node, context.switches.stale});
        } catch (const std::system_error& error) {
            return -error.code().value();
        } catch (const std::exception&) {
            return -EIO;
        }
    }

    static fuse_operations table() {
        fuse_operations all{};
        all.getattr = [](const char* path, struct stat* result, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                const auto attributes = seen.tree.attributes(without_slash(path), seen.node);
                *result = {};
                result->st_mode = attributes.mode;
                result->st_nlink = S_ISDIR(attributes.mode) ? 2 : 1;
                result->st_gid = file_group;
                result->st_size = attributes.size;
                result->st_mtime = result->st_atime = result->st_ctime = attributes.changed;
                return 0;
            });
        };
        all.readlink = [](const char* path, char* buffer, std::size_t size) {
            return answer([&](const Seen& seen) {
                const auto target = seen.tree.link_target(without_slash(path), seen.node);
                buffer[target.copy(buffer, size - 1)] = '\0';
                return 0;
            });
        };
        all.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                         fuse_readdir_flags) {
            return answer([&](const Seen& seen) {
                for (const auto* dots : {".", ".."}) fill(buffer, dots, nullptr, 0, fuse_fill_dir_flags{});
                for (const auto& name : seen.tree.list(without_slash(path))) {
                    fill(buffer, name.c_str(), nullptr, 0, fuse_fill_dir_flags{});
                }
                return 0;
            });
        };
        all.open = [](const char* path, fuse_file_info* how) {
            return answer([&](const Seen& seen) {
                const auto name = without_slash(path);
                const auto attributes = seen.tree.attributes(name, seen.node);
                if ((how->flags & O_ACCMODE) != O_RDONLY && (attributes.mode & 0200) == 0) return -EACCES;
                if ((how->flags & O_TRUNC) != 0) seen.tree.truncate(name, 0);
                // The recorded lists are fresh at once, though sizes may be kept for a second.
                how->direct_io = ClusterTree::is_generated(name) && !seen.is_stale ? 1 : 0;
                return 0;
            });
        };
        all.read = [](const char* path, char* buffer, std::size_t size, off_t offset, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                const auto text = seen.tree.content(without_slash(path), seen.node);
                const auto from = std::min(text.size(), static_cast<std::size_t>(offset));
                return static_cast<int>(text.copy(buffer, size, from));
            });
        };
        all.create = [](const char* path, mode_t, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                seen.tree.create(without_slash(path));
                return 0;
            });
        };
        all.write = [](const char* path, const char* bytes, std::size_t size, off_t offset, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                seen.tree.write(without_slash(path), {bytes, size}, static_cast<std::size_t>(offset));
                return static_cast<int>(size);
            });
        };
        all.truncate = [](const char* path, off_t size, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                seen.tree.truncate(without_slash(path), static_cast<std::size_t>(size));
                return 0;
            });
        };
        all.mkdir = [](const char* path, mode_t) {
            return answer([&](const Seen& seen) {
                seen.tree.make_folder(without_slash(path));
                return 0;
            });
        };
        all.unlink = [](const char* path) {
            return answer([&](const Seen& seen) {
                seen.tree.remove_file(without_slash(path));
                return 0;
            });
        };
        all.rmdir = [](const char* path) {
            return answer([&](const Seen& seen) {
                seen.tree.remove_folder(without_slash(path));
                return 0;
            });
        };
        all.rename = [](const char* from, const char* to, unsigned flags) {
            return answer([&](const Seen& seen) {
                if (flags != 0) return -EINVAL;
                seen.tree.rename(without_slash(from), without_slash(to));
                return 0;
            });
        };
        // facts 2.5: the modes are fixed, owners too; there are no hard links. symlink and mkfifo are missing: ENOSYS.
        all.chmod = [](const char* path, mode_t mode, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                const auto now = seen.tree.attributes(without_slash(path), seen.node).mode;
                return (mode & ALLPERMS) == (now & ALLPERMS) ? 0 : -EPERM;
            });
        };
        all.chown = [](const char*, uid_t owner, gid_t group, fuse_file_info*) {
            const bool is_same = (owner == 0 || owner == static_cast<uid_t>(-1)) &&
                                 (group == file_group || group == static_cast<gid_t>(-1));
            return is_same ? 0 : -EPERM;
        };
        all.link = [](const char*, const char*) { return -EPERM; };
        all.utimens = [](const char* path, const timespec* times, fuse_file_info*) {
            return answer([&](const Seen& seen) {
                const auto when = times[1].tv_nsec == UTIME_NOW ? std::time(nullptr) : times[1].tv_sec;
                if (times[1].tv_nsec != UTIME_OMIT) seen.tree.touch(without_slash(path), when);
                return 0;
            });
        };
        all.fsync = [](const char*, int, fuse_file_info*) { return 0; };
        all.fsyncdir = [](const char*, int, fuse_file_info*) { return 0; };
        return all;
    }
};

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

// The calling thread leaves the mounts of the others behind.
void enter_mounts_of(const std::string& pid) {
    if (pid.empty()) return;
    const auto name = "/proc/" + pid + "/ns/mnt";
    const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(name);
    const bool is_in = ::unshare(CLONE_FS) == 0 && ::setns(file, CLONE_NEWNS) == 0;
    ::close(file);
    if (!is_in) fail("setns " + name);
}

fuse* mount(const Place& place, Context& context) {
    static const auto operations = Callbacks::table();
    std::array<std::string, 4> texts{"pmxcfs", "-odefault_permissions", "-oallow_other", "-ofsname=/dev/fuse"};
    std::array<char*, 5> argv{texts[0].data(), texts[1].data(), texts[2].data(), texts[3].data(), nullptr};
    fuse_args arguments = FUSE_ARGS_INIT(4, argv.data());
    auto* made = ::fuse_new(&arguments, &operations, sizeof operations, &context);
    ::fuse_opt_free_args(&arguments);
    if (made == nullptr) throw std::runtime_error{"no FUSE"};
    if (::fuse_mount(made, place.folder.c_str()) == 0) return made;
    ::fuse_destroy(made);
    throw std::runtime_error{"cannot mount on " + place.folder};
}

}  // namespace

Place Place::parse(const std::string& text, const std::string& default_node) {
    const auto colon = text.find(':');
    const auto begin = colon == text.npos ? 0 : colon + 1;
    const auto equals = text.find('=');
    return {colon == text.npos ? "" : text.substr(0, colon),
            text.substr(begin, equals == text.npos ? equals : equals - begin),
            equals == text.npos ? default_node : text.substr(equals + 1)};
}

void Mounts::add(const Place& place) {
    tree_.add_node(place.node);
    std::promise<void> mounted;
    auto result = mounted.get_future();
    std::thread{[this, place, mounted = std::move(mounted)]() mutable {
        Context context{tree_, place.node, switches_};
        fuse* made = nullptr;
        try {
            enter_mounts_of(place.pid);
            made = mount(place, context);
        } catch (...) {
            mounted.set_exception(std::current_exception());
            return;
        }
        mounted.set_value();
        ::fuse_loop(made);
        ::fuse_destroy(made);
    }}.detach();
    result.get();
    places_.push_back(place);
}

void Mounts::remove(const std::string& folder) {
    for (const auto& place : places_) {
        if (place.folder != folder && place.pid + ":" + place.folder != folder) continue;
        std::thread{[&] {
            try {
                enter_mounts_of(place.pid);
                ::umount2(place.folder.c_str(), MNT_DETACH);
            } catch (const std::exception&) {
                // the namespace has gone, and the mount with it
            }
        }}.join();
    }
    std::erase_if(places_, [&](const Place& p) { return p.folder == folder || p.pid + ":" + p.folder == folder; });
}

void Mounts::remove_all() {
    while (!places_.empty()) remove(places_.back().pid + ":" + places_.back().folder);
}

}  // namespace fip::sim::pve
