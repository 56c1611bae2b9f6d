#pragma once

#include "options.hpp"

namespace fip::plugin {

/// Compare everything once, do what is due at once, and tell it on stdout. 0: done; 1: not every guest could be seen.
/// With Effects::plan_only nothing is written anywhere.
/// @throws InputError StoreBusy StoreError
[[nodiscard]] int run_once(const Options& options);

}  // namespace fip::plugin
