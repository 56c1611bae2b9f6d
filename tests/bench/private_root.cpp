#include "private_root.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace fip::bench {
namespace {

void check(int result, const std::string& what) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), what};
}

void mount_memory(const std::string& folder) {
    check(::mount("tmpfs", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=700"), "tmpfs on " + folder);
}

// What this machine lacks gets its mount point in an overlay whose upper side is in memory.
void make_mount_point(const std::filesystem::path& folder) {
    if (std::filesystem::is_directory(folder)) return;
    const auto parent = folder.parent_path();
    std::string name = parent.string();
    for (char& c : name) c = c == '/' ? '-' : c;
    const auto memory = "/run/overlay" + name;
    if (!std::filesystem::exists(memory)) {
        std::filesystem::create_directories(memory + "/upper");
        std::filesystem::create_directories(memory + "/work");
        const auto options =
            "lowerdir=" + parent.string() + ",upperdir=" + memory + "/upper,workdir=" + memory + "/work";
        check(::mount("overlay", parent.c_str(), "overlay", 0, options.c_str()), "overlay on " + parent.string());
    }
    std::filesystem::create_directory(folder);
}

void raise_loopback() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(socket, "a socket");
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP;
    const int raised = ::ioctl(socket, SIOCSIFFLAGS, &request);
    ::close(socket);
    check(raised, "lo up");
}

}  // namespace

PrivateRoot::PrivateRoot()
    : outside_{::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)},
      network_{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)},
      folder_{::open(".", O_PATH | O_CLOEXEC)} {
    check(outside_, "/proc/self/ns/mnt");
    check(network_, "/proc/self/ns/net");
    check(folder_, ".");
    check(::unshare(CLONE_NEWNS | CLONE_NEWNET), "namespaces");
    check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "private mounts");
    // The guard of the machine itself is nobody's toy.
    check(::mount("sysfs", "/sys", "sysfs", 0, nullptr), "/sys of the new network");
    raise_loopback();
    mount_memory("/run");
    // An overlay would hide what is mounted below it already.
    constexpr std::array folders{"/etc/failover-ip", "/etc/pve", "/var/lib/failover-ip"};
    for (const auto* folder : folders) make_mount_point(folder);
    for (const auto* folder : folders) mount_memory(folder);
}

PrivateRoot::~PrivateRoot() {
    // The namespace and all that is mounted in it end with the last process inside. If this fails the next lines of
    // the bench fail too, loudly, and the process's end cleans up.
    if (::setns(network_, CLONE_NEWNET) == 0 && ::setns(outside_, CLONE_NEWNS) == 0) [[maybe_unused]]
        const int back = ::fchdir(folder_);
    ::close(outside_);
    ::close(network_);
    ::close(folder_);
}

}  // namespace fip::bench
