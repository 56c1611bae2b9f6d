#pragma once

#include <cstddef>

namespace fip::domxml {

// What a domain's text may have at most; everything above is refused. libvirt's own dumps stay far below.
inline constexpr std::size_t max_text = 4U << 20U;  ///< bytes
inline constexpr std::size_t max_depth = 64;        ///< elements inside each other
inline constexpr std::size_t max_interfaces = 1000;
inline constexpr std::size_t max_prefixes = 256;  ///< namespace declarations in scope at one place
inline constexpr int max_addresses = 256;         ///< that a request may ask for, per NIC

inline constexpr const char* request_namespace = "urn:failover-ip:request:1";
inline constexpr const char* lease_namespace = "urn:failover-ip:lease:1";

}  // namespace fip::domxml
