#pragma once

#include "workplace.hpp"

namespace fip::cli {

/// Bring the guard up, also before bridges are there. 0: it stands at every bridge that asks for it; 1: it does not.
/// @throws GuardError, StoreError
[[nodiscard]] int guard_up(Workplace& workplace, Form form, Mode mode);

/// Take the guard down until guard_up(), or the next boot. @throws GuardError, StoreError
[[nodiscard]] int guard_down(Workplace& workplace, Form form, Mode mode);

/// What stands in the kernel, and who was stopped. @throws GuardError, StoreError
[[nodiscard]] int guard_status(Workplace& workplace, Form form);

/// Leases changed where no API lists MACs: the kernel must know which may leave. Asks the daemon; without one, does it.
void let_leases_out(Workplace& workplace);

}  // namespace fip::cli
