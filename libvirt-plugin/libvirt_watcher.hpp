#pragma once

#include "daemon/guest_watcher.hpp"

#include <functional>
#include <memory>

namespace fip::plugin {

/// The guests' part of the daemon: libvirt's event loop, what it heard, and the thread that works it off.
[[nodiscard]] std::unique_ptr<daemon::GuestWatcher> make_libvirt_watcher(std::shared_ptr<const daemon::Setup> setup,
                                                                         std::function<void()> leases_changed);

}  // namespace fip::plugin
