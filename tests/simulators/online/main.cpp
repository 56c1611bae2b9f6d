// A program that behaves as the Dedibox console's API does. See README.md in this folder.
#include "simulators/online/shared.hpp"
#include "simulators/online/web.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace fip;
using namespace fip::sim;

struct Options {
    std::string listen = "127.0.0.1";
    int port = 0;
    std::string port_file;
    std::string control_socket;
    std::string state_file;
    std::string token = "simulator-token";
    double busy_seconds = -1;
    std::vector<std::string> servers;
    std::vector<std::string> addresses;
    std::uint64_t seed = std::random_device{}();
    bool dies_with_parent = false;
};

std::pair<std::string, std::string> split(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return {text, {}};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

void populate(Account& account, const Options& options) {
    for (const auto& text : options.servers) {
        const auto [id, address] = split(text);
        Server server;
        server.id = std::stoll(id);
        const auto comma = std::min(address.find(','), address.size());
        server.address = Address::parse(address.substr(0, comma));
        if (comma < address.size()) server.mac = Mac::parse(address.substr(comma + 1));
        server.hostname = "hv" + std::to_string(account.servers.size() + 1);
        account.servers[server.id] = server;
    }
    for (const auto& text : options.addresses) {
        const auto [address, server] = split(text);
        FailoverIp entry;
        entry.server = server.empty() ? 0 : std::stoll(server);
        if (entry.server != 0 && !account.servers.contains(entry.server)) {
            throw std::runtime_error{"--address " + text + ": no such --server"};
        }
        account.failovers[Address::parse(address)] = entry;
    }
}

void write_port(const std::string& file, int port) {
    if (file.empty()) return;
    const auto next = file + ".new";
    std::ofstream{next} << port << '\n';
    std::filesystem::rename(next, file);
}

void serve(const Options& options) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the first thread: all inherit it
    ::signal(SIGPIPE, SIG_IGN);

    Shared shared{options.seed};
    shared.token = options.token;
    shared.state_file = options.state_file;
    if (!shared.restore()) populate(shared.account, options);
    if (options.busy_seconds >= 0) {
        shared.account.switches.set({{"busy_ms", static_cast<std::int64_t>(options.busy_seconds * 1000)}});
    }
    shared.save();

    const Web api{shared, options.listen, options.port};
    std::unique_ptr<Web> control;
    if (!options.control_socket.empty()) control = std::make_unique<Web>(shared, options.control_socket);
    write_port(options.port_file, api.port());
    std::cout << "http://" << options.listen << ':' << api.port() << "/api/v1" << std::endl;

    int signal = 0;
    ::sigwait(&ends, &signal);
    const std::lock_guard lock{shared.mutex};
    shared.is_stopping = true;
    shared.wake.notify_all();
}

void declare(CLI::App& app, Options& options) {
    app.add_option("--listen", options.listen, "Address to listen on")->capture_default_str();
    app.add_option("--port", options.port, "TCP port; 0: any free one")->capture_default_str();
    app.add_option("--port-file", options.port_file, "Write the port there when ready");
    app.add_option("--control-socket", options.control_socket, "Listen on this Unix socket too");
    app.add_option("--state", options.state_file, "Keep the state in this file; absent: in memory");
    app.add_option("--token", options.token, "The token that clients must send")->capture_default_str();
    app.add_option("--busy-seconds", options.busy_seconds,
                   "How long a move is in progress; default: the switch busy_ms");
    app.add_option("--server", options.servers, "NUMBER=ADDRESS[,MAC] of a server, while there is no state file");
    app.add_option("--address", options.addresses,
                   "ADDRESS or ADDRESS=NUMBER of its server, while there is no state file");
    app.add_option("--seed", options.seed, "Of the virtual MACs; default: random");
    app.add_flag("--die-with-parent", options.dies_with_parent, "End when the program that started this one ends");
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Simulator of the Dedibox console's API (api.online.net). Requests below /control change it."};
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.dies_with_parent) {
        const auto parent = ::getppid();
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) return 0;  // it ended in between
    }
    try {
        serve(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "failover-ip-sim-online: " << error.what() << '\n';
        return 1;
    }
}
