#include "running_vm.hpp"

#include "core/live_nics.hpp"
#include "guest_config.hpp"
#include "qmp.hpp"
#include "read_guest.hpp"
#include "runtime/qemu_process.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace fip::proxmox {
namespace {

using runtime::QemuProcess;

// Longer than any firmware takes: spares looking at a thousand processes.
constexpr std::chrono::seconds youth{10};

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

void add(MacsByNumber& macs, std::string_view id, const Mac& mac) {
    if (!id.starts_with("net")) return;
    std::size_t number = 0;
    const auto* end = id.data() + id.size();
    const auto read = std::from_chars(id.data() + 3, end, number);
    if (read.ec == std::errc{} && read.ptr == end) macs.emplace(number, mac);
}

MacsByNumber macs_of(const QemuProcess& process) {
    MacsByNumber macs;
    for (const auto& nic : process.nics) add(macs, nic.id, nic.mac);
    return macs;
}

/// Its arguments tell all: no NIC came, went or was plugged in anew since.
bool is_as_begun(const Guest& guest, const MacsByNumber& begun, int vmid, const RunFolders& folders) {
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

MacsByNumber ask_itself(int vmid, const RunFolders& folders) {
    MacsByNumber macs;
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
    auto macs = macs_of(*process);
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

std::optional<MacsByNumber> macs_at_begin(int vmid, const RunFolders& folders) {
    const auto process = process_of(vmid, folders);
    return process ? std::optional{macs_of(*process)} : std::nullopt;
}

bool is_in_firmware(int vmid, const RunFolders& folders) {
    Guest guest;
    guest.run = find_run(vmid, folders);
    Nic any;
    any.can_unplug = true;
    return remedy_for(guest, any, OnWrongMac::swap) == Remedy::swap;
}

std::set<int> vms_in_firmware(const RunFolders& folders) {
    std::set<int> vmids;
    std::error_code gone;
    using Entry = std::filesystem::directory_iterator;
    for (Entry entry{folders.qemu, gone}; entry != Entry{}; entry.increment(gone)) {
        const auto vmid = parse_vmid(entry->path().stem().string());
        if (!vmid || entry->path().extension() != ".pid") continue;
        std::error_code ended;
        const auto began = entry->last_write_time(ended);
        if (ended || std::filesystem::file_time_type::clock::now() - began > youth) continue;
        if (is_in_firmware(*vmid, folders)) vmids.insert(*vmid);
    }
    return vmids;
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
