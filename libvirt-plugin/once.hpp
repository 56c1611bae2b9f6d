#pragma once

#include "daemon/options.hpp"

namespace fip::plugin {

/// daemon::run_once() for libvirt's guests.
/// @throws InputError StoreBusy StoreError
[[nodiscard]] int run_once(const daemon::Options& options);

}  // namespace fip::plugin
