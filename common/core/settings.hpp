#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip {

enum class OnWrongMac { swap, hold, restart };
enum class GuardMode { enforce, observe, off };

/// An address that a provider without an API owns.
struct FixedAddress {
    Address address;
    std::optional<Mac> mac;
    friend bool operator==(const FixedAddress&, const FixedAddress&) = default;
};

struct ProviderSettings {
    std::string name;
    std::string type;      ///< "online", "manual"
    std::string endpoint;  ///< Base URL without a final slash; https, or http to loopback.
    std::string token_file;
    std::string server;               ///< This machine, as the provider names it.
    std::vector<FixedAddress> fixed;  ///< `manual` only.
    std::vector<Prefix> ranges;       ///< `manual` only: whole ranges, without MACs.
    friend bool operator==(const ProviderSettings&, const ProviderSettings&) = default;
};

struct PoolSettings {
    std::string name;
    std::string provider;
    std::vector<std::string> bridges;
    std::string mac_type = "kvm";   ///< kvm, xen, vmware
    std::string hostname;           ///< Template; empty: rDNS is left alone.
    std::vector<Prefix> addresses;  ///< Filter; empty: what no other pool's filter names.
    int max_addresses = 4;
    int warm = 2;
    std::chrono::milliseconds cooldown{std::chrono::minutes{5}};
    GuardMode guard = GuardMode::enforce;
    std::vector<std::string> uplinks;
    std::vector<Prefix> ipv6;
    bool is_default = false;
    friend bool operator==(const PoolSettings&, const PoolSettings&) = default;
};

/// The whole configuration, checked.
struct Settings {
    std::string host_name;  ///< Empty: the caller fills in the host's own.
    std::string store_file = "/var/lib/failover-ip/leases.db";
    std::vector<std::string> libvirt_uris{"qemu:///system"};
    OnWrongMac on_wrong_mac = OnWrongMac::swap;
    bool proxmox_notes = true;
    bool proxmox_ipfilter = false;
    std::chrono::milliseconds hook_deadline{std::chrono::seconds{5}};
    std::map<std::string, ProviderSettings> providers;
    std::map<std::string, PoolSettings> pools;
    std::chrono::milliseconds interval{std::chrono::seconds{60}};
    std::chrono::milliseconds grace{std::chrono::minutes{10}};
    friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace fip
