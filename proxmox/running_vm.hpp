#pragma once

#include "core/guest.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

namespace fip::proxmox {

/// Where a node keeps what belongs to running guests.
struct RunFolders {
    std::filesystem::path qemu = "/run/qemu-server";
    std::filesystem::path net = "/sys/class/net";
    std::filesystem::path tasks = "/var/log/pve/tasks";
    [[nodiscard]] std::filesystem::path pid_file(int vmid) const { return qemu / (std::to_string(vmid) + ".pid"); }
    [[nodiscard]] std::filesystem::path monitor(int vmid) const { return qemu / (std::to_string(vmid) + ".qmp"); }
};

/// Add to a VM what is known of the running one (PVE::QemuServer::Helpers::vm_running_locally): every NIC that the
/// guest sees with its MAC, also one that was taken out of its config meanwhile, and its age. One whose arguments
/// differ from its config is asked itself; while it does not answer it is left alone (Request::is_enabled).
void add_running_vm(Guest& guest, int vmid, const RunFolders& folders);

/// How far a VM has come by now; empty: it does not run. It is asked nothing.
[[nodiscard]] std::optional<Run> find_run(int vmid, const RunFolders& folders);

using MacsByNumber = std::map<std::size_t, Mac>;  ///< By N of netN.

/// What it began with, whatever was plugged in since; empty: it does not run. It is asked nothing.
[[nodiscard]] std::optional<MacsByNumber> macs_at_begin(int vmid, const RunFolders& folders);

/// VMs that are in their firmware now: their systems have not looked at their NICs yet. They are asked nothing, and
/// what began before the last seconds is not even looked at.
[[nodiscard]] std::set<int> vms_in_firmware(const RunFolders& folders);
[[nodiscard]] bool is_in_firmware(int vmid, const RunFolders& folders);

/// The same of a container, for add_running_vm(): it runs when one of its veths is there. Its NICs are as its config
/// has them, for pct changes both at once; one with a NIC beside them is left alone.
void add_running_container(Guest& guest, int vmid, const RunFolders& folders);

}  // namespace fip::proxmox
