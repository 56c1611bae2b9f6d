#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"
#include "core/settings.hpp"
#include "core/time.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip {

/// A virtual MAC that may leave: registered for addresses routed here, and not about to be deleted.
struct GuardMac {
    Mac mac;
    std::vector<Address> addresses;    ///< In order.
    std::optional<Now> missing_since;  ///< First complete list that lacked it; absent: the last one had it.
    friend bool operator==(const GuardMac&, const GuardMac&) = default;
};

/// What may leave by one uplink.
struct UplinkRules {
    std::string uplink;                           ///< Name of the device; it need not exist yet.
    std::string bridge;                           ///< Whose port it is.
    GuardMode mode = GuardMode::enforce;          ///< Never off: such an uplink has no rules.
    std::set<Mac> own;                            ///< The host's: with any source address.
    std::map<Mac, std::set<Address>> registered;  ///< Virtual MACs, each with the source addresses it may use.
    std::vector<Prefix> ipv6;                     ///< Source addresses that every registered MAC may use here.
    friend bool operator==(const UplinkRules&, const UplinkRules&) = default;
};

/// Everything that the guard lets out; by uplink.
using GuardRules = std::vector<UplinkRules>;

/// A bridge as the host has it now.
struct BridgeView {
    std::string name;
    std::optional<Mac> mac;  ///< Absent: the bridge does not exist.
    struct Port {
        std::string name;
        bool is_uplink = false;  ///< Physical, bond, or a VLAN on either.
        std::optional<Mac>
            own_mac;  ///< Permanent address; where the device has none (bond, VLAN, veth), its current one.
        std::set<std::string> below{};  ///< All devices that it stands on: a bond's cards, a VLAN's device.
        friend bool operator==(const Port&, const Port&) = default;
    };
    std::vector<Port> ports;
    friend bool operator==(const BridgeView&, const BridgeView&) = default;
};

[[nodiscard]] inline bool is_port(const BridgeView& bridge, const std::string& device) {
    return std::any_of(bridge.ports.begin(), bridge.ports.end(),
                       [&](const BridgeView::Port& port) { return port.name == device; });
}

/// What the kernel holds of ours at one uplink.
struct UplinkState {
    std::string uplink;
    GuardMode mode = GuardMode::off;  ///< off: not in our bridge table.
    bool has_last_wall = false;       ///< Our chain hangs on the device's egress.
    std::size_t macs = 0;             ///< Own and registered ones that may leave.
    friend bool operator==(const UplinkState&, const UplinkState&) = default;
};

/// Frames that were stopped (observe: would have been), as the kernel counts them.
struct BlockedFrames {
    std::string uplink;
    std::string port;     ///< Bridge port they came from; empty: from the host itself, see `is_raw`.
    Mac mac;              ///< Source MAC.
    bool is_raw = false;  ///< Seen by the last wall only: sent on the uplink itself.
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    friend bool operator==(const BlockedFrames&, const BlockedFrames&) = default;
};

}  // namespace fip
