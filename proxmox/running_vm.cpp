#include "running_vm.hpp"

#include "qmp.hpp"
#include "read_guest.hpp"
#include "runtime/qemu_process.hpp"

#include <algorithm>

namespace fip::proxmox {
namespace {

using runtime::QemuProcess;

/// Arguments are what it began with: a NIC that was plugged in anew since has another MAC.
void ask_itself(Guest& guest, int vmid, const RunFolders& folders) {
    try {
        Qmp qmp{folders.monitor(vmid)};
        for (auto& nic : guest.live_nics) {
            if (const auto mac = qmp.nic_mac(slot_of(nic))) nic.mac = mac;
        }
    } catch (const QmpError&) {
        // It is busy or on its way out: what its arguments say is all that is known.
    }
}

}  // namespace

void add_running_vm(Guest& guest, int vmid, const RunFolders& folders) {
    const auto pid_file = folders.pid_file(vmid);
    auto process = runtime::find_qemu_process(pid_file, "-pidfile", pid_file.string());
    if (!process) process = runtime::find_qemu_process(pid_file, "-pidfile", "/var" + pid_file.string());
    if (!process) return;
    guest.is_running = true;
    Run run;
    run.age = process->age;
    run.is_resumed = process->is_continued;
    run.has_kernel = process->has_kernel;
    run.is_paused = process->ran && *process->ran < runtime::not_begun;
    guest.run = run;
    bool is_as_configured = true;
    for (auto nic : guest.nics) {
        const auto begun = std::ranges::find(process->nics, slot_of(nic), &QemuProcess::Nic::id);
        if (begun == process->nics.end() || begun->mac != nic.mac) is_as_configured = false;
        nic.mac = begun == process->nics.end() ? std::nullopt : std::optional{begun->mac};
        nic.can_unplug = true;
        guest.live_nics.push_back(std::move(nic));
    }
    if (!is_as_configured) ask_itself(guest, vmid, folders);
    std::erase_if(guest.live_nics, [](const Nic& nic) { return !nic.mac; });  // it waits for the next start
}

void add_running_container(Guest& guest, int vmid, const RunFolders& folders) {
    const auto prefix = "veth" + std::to_string(vmid) + "i";
    guest.is_running = std::ranges::any_of(guest.nics, [&](const Nic& nic) {
        std::error_code none;
        return std::filesystem::exists(folders.net / (prefix + std::to_string(nic.index)), none);
    });
    if (!guest.is_running) return;
    guest.live_nics = guest.nics;
    guest.run = Run{std::chrono::hours{1}, false, false, false};
}

}  // namespace fip::proxmox
