#pragma once

#include "core/guest.hpp"

#include <filesystem>

namespace fip::proxmox {

/// Where a node keeps what belongs to running guests.
struct RunFolders {
    std::filesystem::path qemu = "/run/qemu-server";
    std::filesystem::path net = "/sys/class/net";
    [[nodiscard]] std::filesystem::path pid_file(int vmid) const { return qemu / (std::to_string(vmid) + ".pid"); }
    [[nodiscard]] std::filesystem::path monitor(int vmid) const { return qemu / (std::to_string(vmid) + ".qmp"); }
};

/// Add to a VM what is known of the running one (PVE::QemuServer::Helpers::vm_running_locally): its NICs with the MACs
/// that the guest sees, its age. One whose arguments say another MAC than its config is asked itself.
void add_running_vm(Guest& guest, int vmid, const RunFolders& folders);

/// The same of a container: it runs when one of its veths is there. Its NICs are as its config has them, for pct
/// changes both at once.
void add_running_container(Guest& guest, int vmid, const RunFolders& folders);

}  // namespace fip::proxmox
