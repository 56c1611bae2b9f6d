#pragma once

#include "workplace.hpp"

#include <string>

namespace fip::cli {

[[nodiscard]] int list_pools(Workplace& workplace, Form form);
/// Read the providers again, and do what is due there. `provider` empty: all of them.
[[nodiscard]] int sync_pools(Workplace& workplace, const std::string& provider, Form form, Mode mode);

}  // namespace fip::cli
