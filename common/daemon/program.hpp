#pragma once

#include "core/guest.hpp"

#include <string>

namespace fip::daemon {

/// Which of our daemons this is.
struct Program {
    std::string name;  ///< As people start it: "failover-ip-libvirt".
    GuestKind kind;    ///< Whose guests it looks after; the other kind's daemon is its neighbour.
    std::string about;
    std::string examples;
};

}  // namespace fip::daemon
