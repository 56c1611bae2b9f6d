#include "leases.hpp"

#include "runtime/system_clock.hpp"
#include "store/sqlite_lease_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace fip::bench {
namespace {

using namespace std::chrono_literals;
using store::Access;
using store::SqliteLeaseStore;

constexpr std::uint32_t rows_per_transaction = 20000;
constexpr auto server = "192.0.2.10";

Lease lease_of(const Holder& holder, WallTime since) {
    Lease lease;
    lease.address = holder.address();
    lease.provider = "dedibox";
    lease.pool = "public";
    lease.state = LeaseState::active;
    lease.guest = holder.guest();
    lease.guest_name = holder.name();
    const bool is_proxmox = holder.kind == GuestKind::proxmox;
    lease.origin = is_proxmox ? "pve/proxmox" : "6f1b1f5e-0000-4000-8000-0000000000ff/qemu";
    lease.slot = is_proxmox ? "net0" : "0";
    lease.mac = holder.mac();
    lease.hostname = holder.name() + ".example.com";
    lease.rdns = RdnsState::set;
    lease.since = since;
    return lease;
}

std::vector<ProviderAddress> provider_list(std::uint32_t count) {
    std::vector<ProviderAddress> list;
    list.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const Holder holder{i};
        list.push_back({holder.address(), server, holder.mac(), holder.name() + ".example.com", 0});
    }
    return list;
}

constexpr auto full_domain = R"(<domain type='kvm' id='7'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>4</vcpu>
  <resource>
    <partition>/machine</partition>
  </resource>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <vmport state='off'/>
  </features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <pm>
    <suspend-to-mem enabled='no'/>
    <suspend-to-disk enabled='no'/>
  </pm>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='/var/lib/libvirt/images/{name}.qcow2' index='1'/>
      <backingStore/>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci' ports='15'>
      <alias name='usb'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </controller>
    <controller type='pci' index='0' model='pcie-root'>
      <alias name='pcie.0'/>
    </controller>
    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='1' port='0x10'/>
      <alias name='pci.1'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0' multifunction='on'/>
    </controller>
    <controller type='virtio-serial' index='0'>
      <alias name='virtio-serial0'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </controller>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='{bridge}'/>
      <model type='virtio'/>
      <alias name='net0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
      <alias name='serial0'/>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
      <alias name='serial0'/>
    </console>
    <channel type='unix'>
      <source mode='bind' path='/var/lib/libvirt/qemu/channel/target/{name}.org.qemu.guest_agent.0'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
      <alias name='channel0'/>
      <address type='virtio-serial' controller='0' bus='0' port='1'/>
    </channel>
    <memballoon model='virtio'>
      <alias name='balloon0'/>
      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
    </memballoon>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
      <alias name='rng0'/>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>
    </rng>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes'/>
</domain>
)";

constexpr auto small_domain = R"(<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
  </os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='{bridge}'/>
      <model type='virtio'/>
    </interface>
    <memballoon model='none'/>
  </devices>
</domain>
)";

constexpr auto proxmox_vm = R"(#Customer 4711%3A web server
agent: 1
boot: order=scsi0;ide2;net0
cores: 4
cpu: host
hookscript: local:snippets/failover-ip
ide2: none,media=cdrom
machine: q35
memory: 4096
meta: creation-qemu=7.2.22,ctime=1795337572
name: {name}
net0: virtio={mac},bridge={bridge},firewall=1
numa: 0
onboot: 1
ostype: l26
parent: before
scsi0: local-lvm:vm-{vmid}-disk-0,discard=on,iothread=1,size=32G
scsi1: local-lvm:vm-{vmid}-disk-1,iothread=1,size=256G
scsihw: virtio-scsi-single
smbios1: uuid={uuid}
sockets: 1
tags: customer;web
vmgenid: 3b428e9a-4229-4b71-9ad5-5fa26b88257d

[before]
#before the upgrade
agent: 1
boot: order=scsi0;ide2;net0
cores: 2
cpu: host
ide2: none,media=cdrom
machine: q35
memory: 4096
meta: creation-qemu=7.2.22,ctime=1795337572
name: {name}
net0: virtio={mac},bridge={bridge},firewall=1
numa: 0
ostype: l26
scsi0: local-lvm:vm-{vmid}-disk-0,discard=on,iothread=1,size=32G
scsi1: local-lvm:vm-{vmid}-disk-1,iothread=1,size=256G
scsihw: virtio-scsi-single
smbios1: uuid={uuid}
snaptime: 1795337600
sockets: 1
vmgenid: 3b428e9a-4229-4b71-9ad5-5fa26b88257e
)";

std::string uuid_of(const Holder& holder) {
    return fmt::format("6f1b1f5e-0000-4000-8000-{:012x}", holder.number);
}

std::string filled_in(const char* text, const Holder& holder, const std::string& mac, const std::string& bridge) {
    return fmt::format(fmt::runtime(text), fmt::arg("name", holder.name()), fmt::arg("uuid", uuid_of(holder)),
                       fmt::arg("mac", mac), fmt::arg("bridge", bridge), fmt::arg("vmid", holder.vmid()));
}

}  // namespace

GuestId Holder::guest() const {
    if (kind == GuestKind::proxmox) return {kind, fmt::format("{}/{}", vmid(), uuid_of(*this))};
    return {kind, uuid_of(*this)};
}

std::string Holder::name() const {
    return fmt::format("web{}", number);
}

Address Holder::address() const {
    return Address::parse(fmt::format("2001:db8::{:x}:{:x}", number >> 16U, (number & 0xffffU)));
}

Mac Holder::mac() const {
    return Mac::parse(
        fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", (number >> 16U) & 0xffU, (number >> 8U) & 0xffU, number & 0xffU));
}

void make_store(const std::filesystem::path& file, std::uint32_t leases, GuestKind kind) {
    SqliteLeaseStore store{file, 1s, Access::create};
    const runtime::SystemClock clock;
    const auto now = clock.now();
    store.write([&](Rows& rows) {
        rows.provider.replace("dedibox", provider_list(leases));
        ProviderStatus status;
        status.synced_at = now.wall;
        status.synced_boot = now.boot_id;
        status.server_key = "11111";
        rows.provider.set_status("dedibox", status);
    });
    for (std::uint32_t first = 0; first < leases; first += rows_per_transaction) {
        store.write([&](Rows& rows) {
            const auto end = std::min(leases, first + rows_per_transaction);
            for (auto i = first; i < end; ++i) rows.leases.put(lease_of(Holder{i, kind}, now.wall));
        });
    }
}

void add_reservations(const std::filesystem::path& file, const Lease& pattern, std::uint32_t count) {
    SqliteLeaseStore store{file, 1s, Access::existing};
    store.write([&](Rows& rows) {
        auto lease = pattern;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto next = lease.address.next();
            lease.address = next.value();
            lease.guest_name = fmt::format("held{}", i);
            lease.mac = Mac::local(i + 1U);
            rows.leases.put(lease);
        }
    });
}

std::string full_domain_xml(const Holder& holder, const std::string& bridge) {
    return filled_in(full_domain, holder, holder.mac().text(), bridge);
}

std::string vm_config(const Holder& holder, const std::string& mac, const std::string& bridge) {
    return filled_in(proxmox_vm, holder, mac, bridge);
}

std::string small_domain_xml(const Holder& holder, const std::string& mac, const std::string& bridge) {
    return filled_in(small_domain, holder, mac, bridge);
}

}  // namespace fip::bench
