#pragma once

#include "simulators/pve/node.hpp"
#include "simulators/pve/property.hpp"

#include <string>

namespace fip::sim::pve {

[[nodiscard]] bool is_container_running(const Guest& guest);
/// A process in a network of its own, with a veth per NIC of `config`, as it was before the pre-start hook but for what
/// facts 1.5 says is read again.
void start_container(const Guest& guest, const ConfigFile& config);
void stop_container(const Guest& guest);
/// Give a running container a NIC that it does not have. @throws CommandError  FIP_SIM_PVE_LXC_DEVICE: it does not take
/// it
void plug_container_net(const Guest& guest, const std::string& key, const Properties& net);
void remove_container_net(const Guest& guest, const std::string& key);
/// The process that stands for the container; argv[0] "lxc-start".
int run_container_monitor(const std::string& vmid);

}  // namespace fip::sim::pve
