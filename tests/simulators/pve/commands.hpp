#pragma once

#include "simulators/pve/node.hpp"

#include <string>
#include <vector>

namespace fip::sim::pve {

/// `qm` and `pct`: what stands behind the program's name. The errors are thrown for main() to print.
void run_guest_command(Kind kind, const std::vector<std::string>& arguments);
/// `pvesh get|set|create|delete PATH ...`
void run_pvesh(const std::vector<std::string>& arguments);

}  // namespace fip::sim::pve
