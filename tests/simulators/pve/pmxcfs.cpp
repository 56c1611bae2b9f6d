// fip-sim-pmxcfs [PID:]MOUNTPOINT[=NODE]...: /etc/pve as pmxcfs shows it; see README.md.
#include "simulators/pve/pmxcfs_control.hpp"
#include "simulators/pve/pmxcfs_mount.hpp"

#include <CLI/CLI.hpp>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using namespace fip::sim::pve;

int main(int argc, char** argv) {
    std::vector<std::string> mounts;
    std::string node = "pve", state, control_socket;
    std::vector<std::string> others;
    CLI::App app{"The file system of a Proxmox VE cluster, in memory."};
    app.add_option("mount", mounts, "[PID:]MOUNTPOINT[=NODE]: as that node sees it")->required();
    app.add_option("--node", node, "Of mounts that name none");
    app.add_option("--other-node", others, "Another member of the cluster");
    app.add_option("--state", state, "A folder that keeps the files over a restart");
    app.add_option("--control", control_socket, "Listens for commands here");
    CLI11_PARSE(app, argc, argv);

    // Threads inherit the mask: the signals are for sigwait() alone.
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ending, number);
    ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    try {
        ClusterTree tree{state};
        Switches switches;
        for (const auto& other : others) tree.add_node(other);
        Mounts all{tree, switches};
        for (const auto& text : mounts) all.add(Place::parse(text, node));
        if (!control_socket.empty()) {
            const int listener = listen_for_control(control_socket);  // whoever reads "ready" may ask at once
            std::thread{[&, listener] { answer_forever(listener, tree, switches, all); }}.detach();
        }
        std::cout << "ready" << std::endl;
        int number = 0;
        ::sigwait(&ending, &number);
        all.remove_all();
        ::_exit(0);  // the threads still serve; the kernel ends what they have open
    } catch (const std::exception& error) {
        std::cerr << "fip-sim-pmxcfs: " << error.what() << '\n';
        return 1;
    }
}
