#pragma once

#include "late_host.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fip::test {

inline constexpr auto vm_uuid = "4dea22b3-1d52-48f3-9516-782e98a23fa0";
inline constexpr auto random_mac = "BC:24:11:00:00:99";  ///< As Proxmox makes them up.

/// A VM's config as Proxmox writes it, with its NICs.
inline std::string vm_config(const std::vector<std::string>& nets, const std::string& more = "") {
    std::string text = "#a note %3A of a person\nboot: order=scsi0\nmemory: 512\n" + more + "name: web1\n";
    for (std::size_t i = 0; i < nets.size(); ++i) text += "net" + std::to_string(i) + ": " + nets[i] + "\n";
    return text + "smbios1: uuid=" + vm_uuid + "\nunknown-key: kept\n\n[before]\nnet0: virtio=" + random_mac +
           ",bridge=br0\n";
}
inline std::string vm_net(const std::string& mac, const std::string& bridge = "br0") {
    return "virtio=" + mac + ",bridge=" + bridge + ",firewall=1";
}

/// A node of Proxmox with the hook as its guests call it: /etc/pve is a plain folder, and `qm` and `pct` only write
/// down that they were called. The two free addresses have virtual MACs in stock.
struct PveHookHost : LateHost {
    std::string hook = bring("failover-ip-proxmox-hook");

    explicit PveHookHost(const std::string& more_of_pool = "") : LateHost{more_of_pool} {
        namespace fs = std::filesystem;
        for (const auto* node : {"pve1", "pve2"}) {
            for (const auto* kind : {"qemu-server", "lxc"})
                fs::create_directories(pve() + "/nodes/" + node + "/" + kind);
        }
        fs::create_directory_symlink("nodes/pve1", pve() + "/local");
        for (const auto* program : {"qm", "pct"}) {
            put_beside(program,
                       "#!/bin/bash\nfiles=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | tr '\\n' ' ')\n"
                       "others=$(readlink /proc/$$/fd/* | tr '\\n' ' ')\n"
                       "echo \"$(basename \"$0\") $* | $files| ${PVE_MIGRATED_FROM-unset} | $others\" >>'" +
                           path("queued") + "'\n");
        }
        provide({{"203.0.113.1", "52:54:00:00:00:01"}, {"203.0.113.2", "52:54:00:00:00:02"}});
    }

    [[nodiscard]] std::string pve() const { return path("pve"); }
    [[nodiscard]] std::string file(const std::string& place = "nodes/pve1/qemu-server/100.conf") const {
        return pve() + "/" + place;
    }
    void write_vm(const std::string& text) const { write_file(file(), text); }
    [[nodiscard]] std::string vm() const { return read_file(file()); }
    [[nodiscard]] bool has_left_files() const {  // besides the configs
        for (const auto& entry : std::filesystem::recursive_directory_iterator{pve()}) {
            if (entry.path().string().find(".tmp.") != std::string::npos) return true;
        }
        return false;
    }

    [[nodiscard]] Result call(const std::vector<std::string>& arguments, const std::string& migrated_from = "") const {
        std::vector<std::string> argv{"/usr/bin/env", "PATH=" + path("programs") + ":/sbin:/bin:/usr/sbin:/usr/bin",
                                      "LVM_SUPPRESS_FD_WARNINGS=1", "PVE_MIGRATED_FROM=" + migrated_from, hook};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return run(argv);
    }
    [[nodiscard]] Result start(const std::string& migrated_from = "") const {
        return call({"100", "pre-start"}, migrated_from);
    }

    /// What was queued until now, one call a line; waits for the first if there should be one.
    [[nodiscard]] std::string queued() const {
        using namespace std::chrono_literals;
        const auto is_there = [&] {
            return std::filesystem::exists(path("queued")) && read_file(path("queued")).find('\n') != std::string::npos;
        };
        return wait_until(is_there, 20s) ? read_file(path("queued")) : "";
    }
    /// Longer than a queued start would take to begin.
    [[nodiscard]] bool has_queued_nothing() const {
        using namespace std::chrono_literals;
        return !wait_until([&] { return std::filesystem::exists(path("queued")); }, 700ms);
    }

    [[nodiscard]] CliDaemon watcher(CliDaemon::Manner manner = CliDaemon::Manner::answers) const {
        return {path("run/proxmox.sock"), manner};
    }
};

/// A VM with an active lease of 203.0.113.5.
inline Lease vm_lease(const std::string& mac = "52:54:00:00:00:05") {
    auto lease = active_lease("203.0.113.5", mac, "dedibox");
    lease.guest = GuestId{GuestKind::proxmox, std::string{"100/"} + vm_uuid};
    lease.origin = "pve1/proxmox";
    lease.slot = "net0";
    return lease;
}

inline void check_silent(const Result& result) {
    CAPTURE(result.out, result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.empty());
}

inline void check_refused(const Result& result, const std::string& because) {
    using namespace Catch::Matchers;
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("failover-ip: ") && Contains(because));
    CHECK(result.err.find('\n') == result.err.size() - 1);
    CHECK(result.err.find("virsh") == std::string::npos);
}

/// The tests would start this machine's own guests.
inline bool is_proxmox_node() {
    if (!std::filesystem::exists("/usr/sbin/qm") && !std::filesystem::exists("/usr/sbin/pct")) return false;
    WARN("SKIPPED: this machine is a Proxmox node");
    return true;
}

}  // namespace fip::test
