// The provider's switch, which closes a server's port at the first foreign MAC. See README.md in this folder.
#include "simulators/switch/control.hpp"
#include "simulators/switch/ethernet_switch.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace fip::sim;

Descriptor ending_signals() {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    return Descriptor{::signalfd(-1, &ends, SFD_CLOEXEC)};
}

// Tells when a file is renamed into the folder of the state file.
Descriptor watch_folder(const std::string& state_file) {
    Descriptor watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    const auto folder = std::filesystem::absolute(state_file).parent_path();
    if (::inotify_add_watch(watch.number(), folder.c_str(), IN_MOVED_TO) < 0)
        throw std::system_error{errno, std::generic_category(), folder};
    return watch;
}

void drain(const Descriptor& watch) {
    std::array<char, 4096> events{};
    while (::read(watch.number(), events.data(), events.size()) > 0) {
    }
}

void serve(EthernetSwitch& fabric, Control& control, const Descriptor& account) {
    const auto end = ending_signals();
    std::cout << "ready" << std::endl;
    for (;;) {
        std::vector<pollfd> waiting{
            {end.number(), POLLIN, 0}, {control.descriptor(), POLLIN, 0}, {account.number(), POLLIN, 0}};
        const auto others = waiting.size();
        for (const auto& port : fabric.ports()) waiting.push_back({port.descriptor(), POLLIN, 0});
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        if (waiting[0].revents != 0) return;
        if (waiting[2].revents != 0) {
            drain(account);
            fabric.refresh();
        }
        for (auto i = others; i < waiting.size(); ++i) {
            if (waiting[i].revents != 0) fabric.serve(fabric.ports()[i - others]);
        }
        if (waiting[1].revents != 0) control.answer(fabric);  // last: it may change the ports
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string state_file;
    std::string control_socket;
    std::vector<std::string> ports;
    CLI::App app{"The provider's switch: forwards what is registered, closes a port at the first foreign MAC."};
    app.add_option("--account", state_file, "State file of failover-ip-sim-online")->required();
    app.add_option("--control-socket", control_socket, "Listens for commands here")->required();
    app.add_option("--port", ports, "NAME=DEVICE[,server=ADDRESS,mac=MAC]; without server: towards the gateway");
    CLI11_PARSE(app, argc, argv);
    try {
        EthernetSwitch fabric{state_file};
        for (const auto& port : ports) fabric.plug(PortPlan::parse(port));
        Control control{control_socket};
        const auto account = watch_folder(state_file);
        fabric.refresh();
        serve(fabric, control, account);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "failover-ip-sim-switch: " << error.what() << '\n';
        return 1;
    }
}
