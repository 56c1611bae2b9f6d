#include "host_network.hpp"

#include "support/wait_until.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

Command in_new_network() {
    return {.argv = {"unshare", "--net", "--", "bash", "-c", "echo ready && exec sleep infinity"}};
}

}  // namespace

HostNetwork::HostNetwork(const CliHost& host) : host_{host}, holder_{in_new_network()} {
    if (!wait_until([&] { return holder_.out() == "ready\n"; }, 10s)) {
        throw std::runtime_error{"no network namespace (these tests need root): " + holder_.err()};
    }
    fs::create_symlink("/proc/" + std::to_string(holder_.pid()) + "/ns/net", host_.path("net"));
    ip("link set lo up");
    add_bridge("br0", "up0");
}

HostNetwork::~HostNetwork() {
    std::error_code gone;  // the folder may have ended first
    fs::remove(host_.path("net"), gone);
}

void HostNetwork::ip(const std::string& arguments) const {
    std::vector<std::string> argv{"/usr/sbin/ip"};
    std::istringstream words{arguments};
    for (std::string word; words >> word;) argv.push_back(word);
    const auto result = host_.run(argv);
    if (result.exit_code != 0) throw std::runtime_error{"ip " + arguments + ": " + result.err};
}

Result HostNetwork::nft(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "/usr/sbin/nft");
    return host_.run(std::move(arguments));
}

void HostNetwork::add_bridge(const std::string& bridge, const std::string& uplink) const {
    ip("link add " + bridge + " type bridge stp_state 0 mcast_snooping 0");
    ip("link set " + bridge + " address " + host_mac + " up");
    ip("link add " + uplink + " type veth peer name far-" + uplink);
    ip("link set " + uplink + " address " + host_mac + " master " + bridge + " up");
    ip("link set far-" + uplink + " up");
}

}  // namespace fip::test
