#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/settings.hpp"

#include <optional>
#include <vector>

namespace fip {

/// What can be done about a running guest's NIC that does not wear its MAC.
enum class Remedy {
    swap,     ///< Unplug, reset, plug in again: it is still in its firmware.
    replug,   ///< Unplug and plug in again: it came by hot-plug, the guest lets go of it.
    restart,  ///< Shut it down and start it again, as the configuration asks for.
    hold,     ///< Nothing: it stays behind the guard until a person stops and starts it.
};

/// A managed NIC of the stored definition with its counterpart in the running guest, or one that only the latter has.
struct ManagedNic {
    Nic nic;
    std::optional<Nic> live;
    bool is_live_only = false;
    bool is_moved = false;  ///< Hangs on another bridge than its address was leased for.
};

/// The guest's managed NICs, those of the definition first. Stored and running ones are told apart by MAC, then by
/// place on the bus, then in order, always on the same bridge; what came by hot-plug comes last. Two that wear the MACs
/// of two of the guest's held `leases` are two NICs, wherever they are.
[[nodiscard]] std::vector<ManagedNic> paired_nics(const Guest& guest, const Settings& settings,
                                                  const std::vector<Lease>& leases);

/// What can be done about this NIC of the running guest, should it wear a wrong MAC. Its firmware takes about two
/// seconds, one with a direct kernel: after that the guest must not be reset.
[[nodiscard]] Remedy remedy_for(const Guest& guest, const Nic& live, OnWrongMac mode);

}  // namespace fip
