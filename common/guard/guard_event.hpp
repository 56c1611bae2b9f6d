#pragma once

#include "core/mac.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <variant>

namespace fip::guard {

/// Somebody wrote to one of our tables, or deleted it; also we ourselves (OwnWrites tells).
struct RulesChanged {
    std::uint32_t generation = 0;  ///< The kernel's number of the ruleset after it.
    pid_t pid = 0;                 ///< As the host's first PID namespace numbers it; 0: the kernel did not say.
    std::string program;           ///< Its name as the kernel has it, at most 15 bytes, printable.
    friend bool operator==(const RulesChanged&, const RulesChanged&) = default;
};

/// A device came, went, or got another name, address or bridge. Also said of a device that is heard of first.
struct LinkChanged {
    std::string name;
    friend bool operator==(const LinkChanged&, const LinkChanged&) = default;
};

/// The guard stopped this sender (observe: would have). Said once per sender and 10 minutes, at most 20 a second.
struct FrameBlocked {
    std::string uplink;
    std::string port;  ///< Empty: from the host itself.
    Mac mac;
    bool is_raw = false;  ///< Seen by the last wall only.
    friend bool operator==(const FrameBlocked&, const FrameBlocked&) = default;
};

/// More happened than the kernel kept for us: look at everything again.
struct EventsLost {
    friend bool operator==(const EventsLost&, const EventsLost&) = default;
};

using GuardEvent = std::variant<RulesChanged, LinkChanged, FrameBlocked, EventsLost>;

}  // namespace fip::guard
