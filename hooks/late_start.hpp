#pragma once

#include "app/context.hpp"
#include "core/guest.hpp"
#include "core/start.hpp"
#include "on_phase.hpp"

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

/// Without the store: does the guard in the kernel know the MACs of all managed NICs? False also when nothing stands
/// there.
[[nodiscard]] bool passes_in_kernel(const Settings& settings, const Guest& guest, const World& world);

}  // namespace fip::hooks
