#pragma once

#include "app/reserve.hpp"
#include "workplace.hpp"

#include <vector>

namespace fip::cli {

[[nodiscard]] int list_leases(Workplace& workplace, Form form);
/// Prints `ADDRESS MAC`; hints for people go to a terminal's stderr.
[[nodiscard]] int acquire_lease(Workplace& workplace, const Reservation& wish, Form form, Mode mode);
[[nodiscard]] int release_leases(Workplace& workplace, const std::vector<Address>& addresses, Mode mode);

}  // namespace fip::cli
