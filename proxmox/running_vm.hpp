#pragma once

#include "core/guest.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>

namespace fip::proxmox {

/// Where a node keeps what belongs to running guests.
struct RunFolders {
    std::filesystem::path qemu = "/run/qemu-server";
    std::filesystem::path net = "/sys/class/net";
    [[nodiscard]] std::filesystem::path pid_file(int vmid) const { return qemu / (std::to_string(vmid) + ".pid"); }
    [[nodiscard]] std::filesystem::path monitor(int vmid) const { return qemu / (std::to_string(vmid) + ".qmp"); }
};

/// Add to a VM what is known of the running one (PVE::QemuServer::Helpers::vm_running_locally): every NIC that the
/// guest sees with its MAC, also one that was taken out of its config meanwhile, and its age. One whose arguments
/// differ from its config is asked itself; while it does not answer it is left alone (Request::is_enabled).
void add_running_vm(Guest& guest, int vmid, const RunFolders& folders);

/// How far a VM has come by now; empty: it does not run. It is asked nothing.
[[nodiscard]] std::optional<Run> find_run(int vmid, const RunFolders& folders);

/// Whether it is in its firmware now, and began with another MAC than one of these is to be. By N of netN. It is asked
/// nothing.
[[nodiscard]] bool has_just_begun_wrong(int vmid, const RunFolders& folders, const std::map<std::size_t, Mac>& right);

/// The same of a container: it runs when one of its veths is there. Its NICs are as its config has them, for pct
/// changes both at once; one with a NIC beside them is left alone.
void add_running_container(Guest& guest, int vmid, const RunFolders& folders);

}  // namespace fip::proxmox
