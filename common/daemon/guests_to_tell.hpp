#pragma once

#include "core/guest.hpp"

#include <functional>

namespace fip::daemon {

/// Who is told what a provider's worker has changed. Called from its thread; none may wait for long.
struct GuestsToTell {
    std::function<void(const GuestId&)> look;  ///< The leases of this guest changed; of any kind.
    std::function<void()> waiting;             ///< An address may have become free.
    std::function<void()> compare;             ///< The provider was read for the first time in this process.
};

}  // namespace fip::daemon
