#pragma once

#include "cli_host.hpp"

#include <string>

namespace fip::test {

inline constexpr auto hook_uuid = "4dea22b3-1d52-48f3-9516-782e98a23fa0";

/// A domain with one NIC; `interface` is what stands inside <devices>.
inline std::string domain_with(const std::string& interface, const std::string& type = "kvm",
                               const std::string& name = "web1") {
    return "<domain type='" + type + "'>\n  <name>" + name + "</name>\n  <uuid>" + hook_uuid +
           "</uuid>\n  <devices>\n    " + interface + "\n  </devices>\n</domain>\n";
}

inline std::string bridge_nic(const std::string& mac, const std::string& bridge = "br0") {
    return "<interface type='bridge'><mac address='" + mac + "'/><source bridge='" + bridge + "'/></interface>";
}

inline Lease active_lease(const std::string& address, const std::string& mac, const std::string& provider = "hand") {
    Lease lease;
    lease.address = Address::parse(address);
    lease.provider = provider;
    lease.pool = "public";
    lease.state = LeaseState::active;
    lease.guest = GuestId{GuestKind::libvirt, hook_uuid};
    lease.guest_name = "web1";
    lease.origin = "host/qemu";
    lease.slot = "0";
    lease.mac = Mac::parse(mac);
    return lease;
}

inline Result call_hook(const CliHost& host, const std::string& operation, const std::string& xml,
                        const std::string& guest = "web1") {
    return host.run({"failover-ip-hook", guest, operation, "begin", "-"}, xml);
}

}  // namespace fip::test
