#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"
#include "guest_config.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fip::proxmox {

/// What the web UI is to show of one managed NIC.
struct ShownNic {
    int number = 0;                  ///< Of netN.
    std::optional<Mac> mac;          ///< That it must wear; absent: not confirmed yet, netN is left as it is.
    std::vector<Address> addresses;  ///< Empty: it waits for one.
    std::optional<Address> gateway;
    std::string hostname;  ///< Reverse name; empty: none.
    std::string state;     ///< For people: "active", "pending", "waiting: the pool ... has no free address".
    friend bool operator==(const ShownNic&, const ShownNic&) = default;
};

/// How a guest's config should look, as far as it is ours to say.
struct Appearance {
    std::vector<ShownNic> nics;  ///< Every managed NIC, by number; none: everything of ours goes.
    bool has_notes = true;       ///< [proxmox] notes: the line in the Notes and the tags.
    /// Set our hookscript where the guest has none (every node of the cluster has the snippet).
    bool may_set_hookscript = false;
    /// An address of the configured pools: one that stands in ipconfigN or ip= and is not the NIC's is a copy's.
    std::function<bool(const Address&)> is_ours;
};

/// "fip-203.0.113.5": of an IPv4 address, by whoever's hand.
[[nodiscard]] bool is_our_tag(std::string_view tag);

inline constexpr std::string_view snippet_volume = "local:snippets/failover-ip";

/// What must be changed in the config so that it looks so. Doing it and asking again gives nothing; netN and ipconfigN
/// are compared as they will be when what is pending is applied.
///
/// - netN: the MAC; of containers also `ip=A/32,gw=G` in the place of `ip=dhcp`, or of an address of ours. A is the
///   first IPv4 address of the NIC. One of its own that a person wrote otherwise (ip=A/24) stays.
/// - ipconfigN of VMs with a cloud-init drive: `ip=A/32,gw=G` where it has no ip, dhcp, or an address of ours; ip6 and
///   gw6 stay. A NIC that is not ours any more loses an address of ours; a container's goes back to `ip=dhcp`.
/// - tags: `fip-ADDRESS` (IPv4 only) for each address; other `fip-A.B.C.D` tags go, all others stay in their order.
/// - description: our line; everything else stays. Left alone where Proxmox would not take it back: too long as it is,
///   or with an encoded NUL.
/// - hookscript: set as allowed, removed without managed NICs where it is ours; another one is never touched.
[[nodiscard]] std::vector<ConfigChange> changes_for(const GuestConfig& config, const Appearance& wanted);

}  // namespace fip::proxmox
