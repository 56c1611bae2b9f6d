#include "running_vm.hpp"

#include "core/live_nics.hpp"
#include "guest_config.hpp"
#include "qmp.hpp"
#include "runtime/qemu_process.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace fip::proxmox {
namespace {

using runtime::QemuProcess;
using Macs = std::map<std::size_t, Mac>;  // by N of netN

std::optional<QemuProcess> process_of(int vmid, const RunFolders& folders) {
    const auto pid_file = folders.pid_file(vmid);
    auto process = runtime::find_qemu_process(pid_file, "-pidfile", pid_file.string());
    if (!process) process = runtime::find_qemu_process(pid_file, "-pidfile", "/var" + pid_file.string());
    return process;
}

Run run_of(const QemuProcess& process) {
    Run run;
    run.age = process.age;
    run.is_resumed = process.is_continued;
    run.has_kernel = process.has_kernel;
    run.is_paused = process.ran && *process.ran < runtime::not_begun;
    return run;
}

void add(Macs& macs, std::string_view id, const Mac& mac) {
    if (!id.starts_with("net")) return;
    std::size_t number = 0;
    const auto* end = id.data() + id.size();
    const auto read = std::from_chars(id.data() + 3, end, number);
    if (read.ec == std::errc{} && read.ptr == end) macs.emplace(number, mac);
}

Macs macs_at_begin(const QemuProcess& process) {
    Macs macs;
    for (const auto& nic : process.nics) add(macs, nic.id, nic.mac);
    return macs;
}

/// Its arguments tell all: no NIC came, went or was plugged in anew since.
bool is_as_begun(const Guest& guest, const Macs& begun, int vmid, const RunFolders& folders) {
    const auto tap = "tap" + std::to_string(vmid) + "i";
    for (std::size_t number = 0; number < most_nics; ++number) {
        const auto planned = std::ranges::find(guest.nics, number, &Nic::index);
        const auto seen = begun.find(number);
        if (planned != guest.nics.end()) {
            if (seen == begun.end() || planned->mac != seen->second) return false;
            continue;
        }
        std::error_code none;
        if (seen != begun.end() || std::filesystem::exists(folders.net / (tap + std::to_string(number)), none)) {
            return false;
        }
    }
    return true;
}

Macs ask_itself(int vmid, const RunFolders& folders) {
    Macs macs;
    for (const auto& [id, mac] : Qmp{folders.monitor(vmid)}.nics()) add(macs, id, mac);
    return macs;
}

/// Nothing follows from this look.
void leave_alone(Guest& guest) {
    guest.request = Request{{}, {}, {}, false};
}

}  // namespace

void add_running_vm(Guest& guest, int vmid, const RunFolders& folders) {
    const auto process = process_of(vmid, folders);
    if (!process) return;
    guest.is_running = true;
    guest.run = run_of(*process);
    auto macs = macs_at_begin(*process);
    if (!is_as_begun(guest, macs, vmid, folders)) {
        try {
            macs = ask_itself(vmid, folders);
        } catch (const QmpError&) {
            leave_alone(guest);  // whatever it had it may wear still, and what it has beside is not known
        }
    }
    for (const auto& [number, mac] : macs) {
        const auto planned = std::ranges::find(guest.nics, number, &Nic::index);
        // One that its config has no more gets nothing new, and keeps its lease while the guest wears its MAC.
        Nic nic;
        if (planned != guest.nics.end()) nic = *planned;
        nic.index = number;
        nic.mac = mac;
        nic.can_unplug = planned != guest.nics.end();
        guest.live_nics.push_back(std::move(nic));
    }
}

std::optional<Run> find_run(int vmid, const RunFolders& folders) {
    const auto process = process_of(vmid, folders);
    return process ? std::optional{run_of(*process)} : std::nullopt;
}

bool has_just_begun_wrong(int vmid, const RunFolders& folders, const std::map<std::size_t, Mac>& right) {
    const auto process = process_of(vmid, folders);
    if (!process) return false;
    Guest guest;
    guest.is_running = true;
    guest.run = run_of(*process);
    Nic any;
    any.can_unplug = true;
    if (remedy_for(guest, any, OnWrongMac::swap) != Remedy::swap) return false;
    const auto begun = macs_at_begin(*process);
    return std::ranges::any_of(right, [&](const auto& nic) {
        const auto found = begun.find(nic.first);
        return found != begun.end() && found->second != nic.second;
    });
}

void add_running_container(Guest& guest, int vmid, const RunFolders& folders) {
    const auto prefix = "veth" + std::to_string(vmid) + "i";
    for (std::size_t number = 0; number < most_nics; ++number) {
        std::error_code none;
        if (!std::filesystem::exists(folders.net / (prefix + std::to_string(number)), none)) continue;
        guest.is_running = true;
        // Taken out of its file by hand: which MAC it has cannot be seen from outside.
        if (std::ranges::find(guest.nics, number, &Nic::index) == guest.nics.end()) leave_alone(guest);
    }
    if (!guest.is_running) return;
    guest.live_nics = guest.nics;
    guest.run = Run{std::chrono::hours{1}, false, false, false};
}

}  // namespace fip::proxmox
