#pragma once

#include "core/address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {

/// The text of /etc/pve/firewall/VMID.fw with the set `ipfilter-netN` holding exactly these ranges; every other byte
/// as it was. No range: a set of ours goes; what is left may be empty.
///
/// A set is ours by the comment of its head: `[IPSET ipfilter-net0] # failover-ip`. One of that name without it is a
/// person's: then nothing changes.
///
/// @param  text  of the file; empty: there is none
/// @param  nic   N of netN
[[nodiscard]] std::string with_ipfilter(std::string_view text, int nic, const std::vector<Prefix>& ranges);

}  // namespace fip::proxmox
