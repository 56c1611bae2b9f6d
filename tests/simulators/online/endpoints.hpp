#pragma once

#include <array>
#include <string_view>

namespace fip::sim {

/// A call of the API: its name in faults, counters and the log.
struct Endpoint {
    std::string_view name;
    bool is_write = false;
};

namespace endpoint {
inline constexpr Endpoint servers{"servers", false};
inline constexpr Endpoint server{"server", false};
inline constexpr Endpoint failover{"failover", false};
inline constexpr Endpoint failover_one{"failoverOne", false};
inline constexpr Endpoint ip{"ip", false};
inline constexpr Endpoint edit{"edit", true};
inline constexpr Endpoint generate_mac{"generateMac", true};
inline constexpr Endpoint duplicate_mac{"duplicateMac", true};
inline constexpr Endpoint delete_mac{"deleteMac", true};
inline constexpr Endpoint ip_edit{"ipEdit", true};
inline constexpr Endpoint hostname{"hostname", true};
inline constexpr Endpoint reboot{"reboot", true};
inline constexpr Endpoint unknown{"unknown", false};
inline constexpr std::array all{servers,       server,     failover, failover_one, ip,     edit,   generate_mac,
                                duplicate_mac, delete_mac, ip_edit,  hostname,     reboot, unknown};
}  // namespace endpoint

}  // namespace fip::sim
