#pragma once

#include "simulators/pve/node.hpp"
#include "simulators/pve/property.hpp"

#include <string>

namespace fip::sim::pve {

/// facts 6: the pidfile, and a command line that names it.
[[nodiscard]] bool is_machine_running(const Guest& guest);

struct StartOptions {
    std::string migrated_from;  ///< The node that has the config still.
    bool is_paused = false;
};

/// QEMU with the command line of `config`, as it is in memory (facts 1.2 step 5).
/// @throws CommandError  it did not come up
void start_machine(const Guest& guest, const ConfigFile& config, const StartOptions& options);
/// Ends the process and waits for that. It is gone already: no effect.
void stop_machine(const Guest& guest);
void remove_runtime_files(const Guest& guest);

/// One QMP command without arguments, for its effect. @throws CommandError  there is no monitor, or it refused
void tell_machine(const Guest& guest, const std::string& command);

/// device_del, then up to 5 s until the device has gone (facts 3).
/// @throws CommandError  the guest does not let go of it
void unplug(const Guest& guest, const std::string& device);
void plug(const Guest& guest, const ConfigFile& config, const std::string& device, const Properties& net);
/// Bridge, tag, firewall: under the running device.
void move_to_bridge(const Guest& guest, const std::string& device, const Properties& net);

/// argv of the program that QEMU's netdev names as its script: reads the config file anew (facts 1.2 step 6).
int run_bridge_script(const std::string& interface);

}  // namespace fip::sim::pve
