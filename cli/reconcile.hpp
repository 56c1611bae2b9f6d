#pragma once

#include "workplace.hpp"

namespace fip::cli {

/// What a person allows beyond what the daemon does by itself.
enum class Brake {
    on,   ///< More ends at once than is likely are only shown.
    off,  ///< `--confirm`: they are released.
};

/// Compare everything once, also guests that were there at the first run. The programs of all
/// hypervisors do it, one after the other; their reports are joined.
[[nodiscard]] int reconcile(const Workplace& workplace, Brake brake, Form form, Mode mode);

}  // namespace fip::cli
