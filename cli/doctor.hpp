#pragma once

#include "workplace.hpp"

#include <filesystem>

namespace fip::cli {

/// Say whether all is well on this host: configuration, tokens, store, what the providers said last, guard,
/// hypervisors. Changes nothing and talks to no provider. Exit code 1 when something fails.
[[nodiscard]] int examine_host(const std::filesystem::path& config, Form form);

}  // namespace fip::cli
