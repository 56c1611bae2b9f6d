#pragma once

#include "app/context.hpp"
#include "core/guest.hpp"
#include "core/start.hpp"
#include "world.hpp"

#include <string>

namespace fip::hooks {

struct LateStart {
    const Context& context;  ///< With the store that is open for reading.
    const Guest& guest;
    const World& world;
};

/// A start with a wrong MAC: let it through behind the guard, with an address claimed for it, or say why not. Empty:
/// let through.
/// @throws StoreBusy StoreError
[[nodiscard]] std::string answer_wrong_mac(const LateStart& start, const StartVerdict& verdict);

}  // namespace fip::hooks
