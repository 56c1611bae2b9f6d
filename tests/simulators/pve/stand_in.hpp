#pragma once

#include <string>
#include <vector>

namespace fip::sim::pve {

/// A process that stands for QEMU with QEMU's own command line: pidfile, taps and a monitor, and no guest. Ready when
/// it returns; what lives on is a child. FIP_SIM_PVE_NO_QEMU chooses it, FIP_SIM_PVE_EJECT_MS says whether its guest
/// lets go of devices.
int run_stand_in(const std::vector<std::string>& argv);

/// qmeventd: waits for the process to end, and then has the guest cleaned up (facts 1.4).
int run_event_daemon(const std::string& pid, const std::string& vmid);

}  // namespace fip::sim::pve
