#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <vector>

namespace fip {

enum class GuestKind { libvirt, proxmox };

/// Who a guest is, beyond renames: libvirt's UUID, or Proxmox' VMID with its smbios1 uuid.
struct GuestId {
    GuestKind kind = GuestKind::libvirt;
    std::string value;
    friend auto operator<=>(const GuestId&, const GuestId&) = default;
};

enum class NicType { bridge, network, direct, ethernet, other };

/// One network interface as the guest's definition has it.
struct Nic {
    std::size_t index = 0;  ///< Position among all interfaces of the definition.
    NicType type = NicType::other;
    std::optional<Mac> mac;  ///< Absent: the hypervisor will make one up.
    /// Bridge it hangs on; for `network` what the network resolves to, empty until resolved; for `direct` the device.
    std::string bridge;
    std::string network;  ///< libvirt network's name, for type `network`.
    std::string model;
    std::string alias;       ///< libvirt's device alias, running guests only.
    std::string target;      ///< Device on the host (vnet0), where known.
    std::string place;       ///< Bus address ("0000:01:00.0"), where it has one: the same in both definitions.
    bool is_tagged = false;  ///< Has a VLAN tag: never managed.
    /// Running guests: it came by hot-plug, so the guest's system knows how to let go of it.
    bool is_plugged = false;
    /// Its machine and its place on the bus let it be unplugged while the guest runs.
    bool can_unplug = false;
    friend bool operator==(const Nic&, const Nic&) = default;
};

/// "net0", as leases, configs and commands name a Proxmox guest's NIC: its number, and that stays.
[[nodiscard]] inline std::string slot_of(const Nic& nic) {
    return "net" + std::to_string(nic.index);
}

/// What the user asked for in the guest's definition; every field overrides the pool.
struct Request {
    std::string pool;
    std::string hostname;
    std::optional<int> addresses;  ///< Per managed NIC, >= 1; absent: one, and what it has already stays.
    bool is_enabled = true;        ///< False: the guest is never written to.
    friend bool operator==(const Request&, const Request&) = default;
};

/// What we recorded in the guest's definition about one NIC: a copy, the store is the truth.
struct NicRecord {
    struct Place {
        Address address;
        std::optional<Address> gateway;
        friend bool operator==(const Place&, const Place&) = default;
    };
    Mac mac;
    std::string pool;
    std::string hostname;  ///< Empty: rDNS is left alone.
    std::vector<Place> addresses;
    friend bool operator==(const NicRecord&, const NicRecord&) = default;
};

/// How far a running guest has come, for what may still be done to it.
struct Run {
    std::chrono::milliseconds age{};  ///< Since it began to execute; at least, when that was not seen.
    bool is_paused = false;           ///< It has not executed an instruction yet.
    bool is_resumed =
        false;  ///< Continued from a saved image, a snapshot or another host: it never was in its firmware.
    bool has_kernel = false;  ///< Direct <kernel>: its firmware is short.
    friend bool operator==(const Run&, const Run&) = default;
};

/// A VM or container as observed.
struct Guest {
    GuestId id;
    std::string name;
    /// Host and driver whose listings speak for this guest: "<host uuid>/qemu". Rule 5 compares it.
    std::string origin;
    bool is_persistent = true;
    bool is_running = false;
    /// It came from another server, or is about to start here: its address may be moved to this server.
    bool is_arriving = false;
    std::vector<Nic> nics;       ///< Of the stored definition; of the running one for a transient guest.
    std::vector<Nic> live_nics;  ///< Of the running one; empty when it does not run.
    std::optional<Run> run;      ///< Absent: it does not run, or nothing is known about how long it has.
    std::optional<Request> request;
    std::vector<NicRecord> records;
    std::string problem;  ///< Why the request could not be understood; empty: nothing wrong.
};

/// The changes to write into a guest's definition, and nothing else.
struct GuestEdit {
    struct NewMac {
        std::size_t nic = 0;  ///< Nic::index
        Mac mac;
        friend bool operator==(const NewMac&, const NewMac&) = default;
    };
    std::vector<NewMac> macs;
    std::vector<NicRecord> records;  ///< Replace what is recorded; empty: our element is removed.
    friend bool operator==(const GuestEdit&, const GuestEdit&) = default;
};

}  // namespace fip
