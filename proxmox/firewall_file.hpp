#pragma once

#include "app/context.hpp"
#include "cluster.hpp"
#include "core/guest.hpp"

namespace fip::proxmox {

/// Keep the guest's `ipfilter-netN` sets to its leases' addresses where [proxmox] ipfilter says so; else ours go.
/// Repeatable.
/// @throws GuestsUnavailable  the file cannot be read or written, or somebody else is changing it: try again
void keep_ipfilter(const Cluster& cluster, const Context& context, const Guest& guest);

/// Whether a set of ours is there. @throws GuestsUnavailable
[[nodiscard]] bool has_ipfilter(const Cluster& cluster, int vmid);
/// Ours go, those that a person made stay. Repeatable. @throws GuestsUnavailable
void drop_ipfilter(const Cluster& cluster, int vmid);

}  // namespace fip::proxmox
