#pragma once

#include "daemon/options.hpp"
#include "daemon/setup.hpp"

namespace fip::daemon {

/// The guests that `--once` looks at.
struct GuestsAtOnce {
    GuestKind kind = GuestKind::libvirt;
    GuestSource& source;
    bool is_all_there = true;  ///< False: a part of the hypervisor does not answer; its listing says so as a gap.
};

/// Compare everything once, do what is due at once, and tell it on stdout. 0: done; 1: not every guest could be seen
/// or changed, the brake holds leases of guests that are gone, or a provider refuses; 3: one does not answer. With
/// Effects::plan_only nothing is written anywhere.
/// @throws InputError StoreBusy StoreError
[[nodiscard]] int run_once(const Options& options, const std::shared_ptr<const Setup>& setup,
                           const GuestsAtOnce& guests);

}  // namespace fip::daemon
