#pragma once

#include "config/load.hpp"
#include "core/guest.hpp"
#include "core/settings.hpp"
#include "hook_call.hpp"
#include "ports/clock.hpp"
#include "ports/guard.hpp"
#include "ports/lease_store.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fip::hooks {

/// What the answer may need of the world; each is only asked when it must be, for every start on the host waits.
struct World {
    std::function<config::Accepted()> settings;
    std::function<std::optional<std::string>()> xml;                         ///< Empty: too long.
    std::function<std::unique_ptr<LeaseStore>(const Settings&)> open_store;  ///< For reading.
    std::function<std::unique_ptr<LeaseStore>(const Settings&)> open_to_write;
    const Clock& clock;
    /// From here on the start is refused when time runs out.
    std::function<void(const Settings&)> is_managed;
    std::function<void(const std::string& provider)> read_provider;  ///< One try, bounded; nothing is promised.
    /// One line to the daemon: "starting", "work", "look UUID". False: it does not answer.
    std::function<bool(const std::string& request)> ask_daemon;
    std::function<std::unique_ptr<Guard>()> guard;  ///< The kernel's side; only for reading.
    std::function<bool()> wait;                 ///< A moment for others to work. False: no time is left for another.
    std::function<void(std::string_view)> log;  ///< For the system's log; libvirt shows stderr only when we refuse.
};

/// What libvirt gets to hear: empty lets it go on; else the reason of the refusal, one line without our name or the
/// guest's.
[[nodiscard]] std::string on_phase(const HookCall& call, const World& world);

/// The line on stderr: hostile names made printable, and cut.
[[nodiscard]] std::string refusal(std::string_view guest, std::string_view reason);

}  // namespace fip::hooks
