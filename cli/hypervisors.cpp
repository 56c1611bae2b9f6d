#include "hypervisors.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

namespace fip::cli {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
    std::error_code unreadable;  // as good as not there
    return fs::exists(path, unreadable);
}

bool has_libvirt() {
    constexpr std::array<const char*, 4> daemons{"/usr/sbin/libvirtd", "/usr/sbin/virtqemud", "/usr/bin/libvirtd",
                                                 "/usr/bin/virtqemud"};
    return std::ranges::any_of(daemons, is_there);
}

}  // namespace

std::vector<Hypervisor> hypervisors() {
    // Also there while the cluster file system is not mounted: then it must be said that nothing is known.
    const bool is_node = is_there("/etc/pve");
    std::vector<Hypervisor> found;
    if (!is_node || has_libvirt()) {
        found.push_back(
            {GuestKind::libvirt, name_of_hypervisor(GuestKind::libvirt), "failover-ip-libvirt", {"--once"}});
    }
    if (is_node) {
        found.push_back(
            {GuestKind::proxmox, name_of_hypervisor(GuestKind::proxmox), "failover-ip-proxmox", {"watch", "--once"}});
    }
    return found;
}

std::string_view name_of_hypervisor(GuestKind kind) {
    return kind == GuestKind::proxmox ? "Proxmox VE" : "libvirt";
}

}  // namespace fip::cli
