#pragma once

#include "workplace.hpp"

#include <string>

namespace fip::cli {

/// Everything about one guest, by name or id: what it has, what keeps it from having more, what would be done, and what
/// the guest itself needs. Without its hypervisor: what the store knows.
[[nodiscard]] int explain_guest(Workplace& workplace, const std::string& guest, Form form);

}  // namespace fip::cli
