#pragma once

#include "config/load.hpp"
#include "core/settings.hpp"
#include "ports/clock.hpp"
#include "ports/guard.hpp"
#include "ports/lease_store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fip::hooks {

/// What the answer of a hook may need of the world; each is only asked when it must be, for every start on the host
/// waits.
struct World {
    std::function<config::Accepted()> settings;
    std::function<std::unique_ptr<LeaseStore>(const Settings&)> open_store;  ///< For reading.
    std::function<std::unique_ptr<LeaseStore>(const Settings&)> open_to_write;
    const Clock& clock;
    /// From here on the start of this guest, as people know it, is refused when time runs out.
    std::function<void(std::string_view guest)> is_managed;
    std::function<void(const std::string& provider)> read_provider;  ///< One try, bounded; nothing is promised.
    /// One line to the daemon: "starting", "starting VMID", "work", "look GUEST". False: it does not answer.
    std::function<bool(const std::string& request)> ask_daemon;
    std::function<std::unique_ptr<Guard>()> guard;  ///< The kernel's side; only for reading.
    std::function<bool()> wait;                 ///< A moment for others to work. False: no time is left for another.
    std::function<void(std::string_view)> log;  ///< For the system's log; people see stderr only when we refuse.
    std::string start_daemon;                   ///< The command that starts the daemon.
};

}  // namespace fip::hooks
