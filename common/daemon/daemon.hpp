#pragma once

#include "daemon/guest_watcher.hpp"
#include "daemon/options.hpp"

#include <functional>
#include <memory>

namespace fip::daemon {

/// Makes the part that knows the hypervisor; called once, before the first thread that uses it.
/// `leases_changed` is for it to call, from its thread, when leases changed so that providers may have something to do
/// or an address may be free: it wakes the providers' workers and all guests that wait, the neighbour's too.
using MakeGuestWatcher = std::function<std::unique_ptr<GuestWatcher>(std::shared_ptr<const Setup> setup,
                                                                     std::function<void()> leases_changed)>;

/// Run until SIGTERM or SIGINT; SIGHUP reloads the configuration.
/// @throws InputError StoreError  before it was ready
[[nodiscard]] int run_daemon(const Program& program, const Options& options, const MakeGuestWatcher& make_guests);

}  // namespace fip::daemon
