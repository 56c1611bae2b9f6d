#pragma once

#include "options.hpp"

namespace fip::plugin {

/// Run until SIGTERM or SIGINT; SIGHUP reloads the configuration.
/// @throws InputError StoreError  before it was ready
[[nodiscard]] int run_daemon(const Options& options);

}  // namespace fip::plugin
