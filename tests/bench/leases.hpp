#pragma once

#include "core/address.hpp"
#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/mac.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace fip::bench {

/// A made-up guest with a good lease, one of many.
struct Holder {
    std::uint32_t number = 0;
    GuestKind kind = GuestKind::libvirt;

    [[nodiscard]] GuestId guest() const;
    [[nodiscard]] std::uint32_t vmid() const { return 100 + number; }  ///< Proxmox' number for it.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] Address address() const;
    [[nodiscard]] Mac mac() const;
};

/// A store with that many active leases, as after years with an `online` provider "dedibox" and a pool "public" on the
/// server 192.0.2.10; the provider was read in this boot.
void make_store(const std::filesystem::path& file, std::uint32_t leases, GuestKind kind = GuestKind::libvirt);

/// As many copies of `pattern` as reservations for other names, on the addresses that follow its own.
void add_reservations(const std::filesystem::path& file, const Lease& pattern, std::uint32_t count);

/// A definition as libvirt hands it to a hook: a common guest with a disk, a console and one NIC.
[[nodiscard]] std::string full_domain_xml(const Holder& holder, const std::string& bridge);

/// A VM's config as Proxmox has it: a common guest with two disks, Notes, a snapshot and one NIC, with our hookscript.
[[nodiscard]] std::string vm_config(const Holder& holder, const std::string& mac, const std::string& bridge);

/// The smallest definition with a NIC; nothing that QEMU would need a file for.
[[nodiscard]] std::string small_domain_xml(const Holder& holder, const std::string& mac, const std::string& bridge);

}  // namespace fip::bench
