#pragma once

#include "simulators/pve/node.hpp"

#include <string>
#include <vector>

namespace fip::sim::pve {

/// Run the guest's hookscript, if it has one, as PVE does (facts 1.1).
/// @throws CommandError  pre-start only: it failed, or is not there. The other phases only warn.
void run_hook(const Guest& guest, const ConfigFile& config, const std::string& phase);

/// Run to its end, and to the end of everyone who has its output open; what it prints is relayed.
/// Returns the wait status.
int run_relayed(const std::vector<std::string>& argv);

/// Start this program under another name, in a session of its own with nothing of ours open, and do not wait.
void spawn_detached(const std::vector<std::string>& argv);

}  // namespace fip::sim::pve
