// fip-sim-pve: the commands of a Proxmox VE node. Its name says which one it is; see README.md.
#include "simulators/pve/call.hpp"
#include "simulators/pve/commands.hpp"
#include "simulators/pve/container.hpp"
#include "simulators/pve/lifecycle.hpp"
#include "simulators/pve/machine.hpp"
#include "simulators/pve/power.hpp"
#include "simulators/pve/stand_in.hpp"

#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace fip::sim::pve {
namespace {

// "pvesm path local:snippets/x": all that is asked of it.
void run_pvesm(const std::vector<std::string>& arguments) {
    if (arguments.size() != 2 || arguments[0] != "path") throw CommandError{"ERROR: unknown command\n"};
    say(hookscript_path(arguments[1]) + "\n");
}

void run_program(const std::string& program, const std::vector<std::string>& arguments) {
    if (program == "pveversion") return say("pve-manager/8.4.21/0000000000000000 (running kernel: 6.8.12-1-pve)\n");
    if (!is_pmxcfs_up()) {
        throw CommandError{
            "ipcc_send_rec[1] failed: Connection refused\nipcc_send_rec[2] failed: Connection refused\n"
            "ipcc_send_rec[3] failed: Connection refused\nUnable to load access control list: Connection refused\n",
            111};
    }
    if (program == "qm") return run_guest_command(Kind::qemu, arguments);
    if (program == "pct") return run_guest_command(Kind::lxc, arguments);
    if (program == "pvesh") return run_pvesh(arguments);
    if (program == "pvesm") return run_pvesm(arguments);
    const auto call = Call::parse(arguments);
    if (program == "qmrestore") return restore_guest({Kind::qemu, call.vmid(1)}, call.words.at(0), call);
    if (program == "vzdump") {
        const Guest machine{Kind::qemu, call.vmid(0)};
        return back_up_guest(exists(machine) ? machine : Guest{Kind::lxc, machine.vmid});
    }
    throw CommandError{"fip-sim-pve: call it as qm, pct, pvesh, pvesm, pveversion, qmrestore or vzdump\n", 2};
}

int run(const std::vector<std::string>& argv) {
    const auto program = std::filesystem::path{argv.at(0)}.filename().string();
    // What the simulator starts itself.
    if (program == "kvm") return run_stand_in(argv);
    if (program == "qmeventd") return run_event_daemon(argv.at(1), argv.at(2));
    if (program == "lxc-start") return run_container_monitor(argv.at(1));
    if (program == "pve-bridge") return run_bridge_script(argv.at(1));
    const auto arguments = decoded_by_locale({argv.begin() + 1, argv.end()});
    try {
        run_program(program, arguments);
        return 0;
    } catch (const ParameterError& error) {
        const auto command = arguments.empty() ? "" : arguments[0];
        warn(std::string{"400 Parameter verification failed.\n"} + error.what() + "\n" + program + " " + command +
             " <vmid> [OPTIONS]\n");
        return error.exit_code();
    } catch (const CommandError& error) {
        warn(error.what());
        return error.exit_code();
    }
}

}  // namespace
}  // namespace fip::sim::pve

int main(int argc, char** argv) {
    try {
        return fip::sim::pve::run({argv, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 255;
    }
}
