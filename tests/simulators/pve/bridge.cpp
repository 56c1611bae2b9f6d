#include "simulators/pve/bridge.hpp"

#include "simulators/pve/hook.hpp"
#include "simulators/pve/text.hpp"

#include <net/if.h>

namespace fip::sim::pve {

bool has_device(const std::string& name) {
    return ::if_nametoindex(name.c_str()) != 0;
}

void ip(const std::string& words) {
    auto argv = split(words, ' ');
    argv.insert(argv.begin(), "/usr/sbin/ip");
    if (run_relayed(argv) != 0) throw CommandError{"command 'ip " + words + "' failed\n"};
}

void join_bridge(const Guest& guest, const std::string& interface, int index, const Properties& net) {
    const auto bridge = net.contains("bridge") ? net.at("bridge") : "";
    if (bridge.empty()) return;
    if (!has_device(bridge)) throw CommandError{"bridge '" + bridge + "' does not exist\n"};
    ip("link set " + interface + " up");
    const auto id = guest.id() + "i" + std::to_string(index);
    leave_firewall_bridge(guest, index);
    if (!net.contains("firewall") || net.at("firewall") != "1") {
        ip("link set " + interface + " master " + bridge);
        return;
    }
    ip("link add fwbr" + id + " type bridge stp_state 0");
    ip("link add fwln" + id + " type veth peer name fwpr" + guest.id() + "p" + std::to_string(index));
    ip("link set fwpr" + guest.id() + "p" + std::to_string(index) + " master " + bridge + " up");
    ip("link set fwln" + id + " master fwbr" + id + " up");
    ip("link set fwbr" + id + " up");
    ip("link set " + interface + " master fwbr" + id);
}

void leave_firewall_bridge(const Guest& guest, int index) {
    const auto id = guest.id() + "i" + std::to_string(index);
    if (has_device("fwln" + id)) ip("link del fwln" + id);
    if (has_device("fwbr" + id)) ip("link del fwbr" + id);
}

}  // namespace fip::sim::pve
