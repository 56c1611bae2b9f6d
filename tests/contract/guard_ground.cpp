#include "guard_ground.hpp"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/process.hpp"
#include "support/wait_until.hpp"

namespace fip::test {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

Result checked(const Command& command) {
    auto result = run(command, 30s);
    if (result.exit_code == 0) return result;
    std::string words;
    for (const auto& word : command.argv) words += word + " ";
    throw std::runtime_error{words + ": " + result.err + result.out};
}

// Of the whole program: the children that it starts are in there too. They end with the program.
void enter_namespaces() {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) fail("unshare (these tests need root)");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("mount --make-rprivate");
    if (::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) fail("mount /sys");
    if (::mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) fail("mount /run");
    std::ofstream{"/proc/sys/net/ipv6/conf/default/disable_ipv6"} << 1;
    std::ofstream{"/proc/sys/net/ipv6/conf/all/disable_ipv6"} << 1;
    hand_to_iptables(0);
}

}  // namespace

void hand_to_iptables(int value) {
    for (const auto* table : {"iptables", "ip6tables", "arptables"}) {
        std::ofstream{std::string{"/proc/sys/net/bridge/bridge-nf-call-"} + table} << value;
    }
}

Wire::Wire(const std::string& device)
    : socket_{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))} {
    if (socket_ < 0) fail("raw socket");
    const int room = 16 << 20;
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    ::setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind to " + device);
}

Wire::~Wire() {
    ::close(socket_);
}

void Wire::send(const Frame& frame) const {
    // A frame that the last wall drops is "no buffer space" to its sender.
    if (::send(socket_, frame.data(), frame.size(), 0) < 0 && errno != ENOBUFS) fail("send");
}

// The kernel takes the outer tag off what it hands over: it is put back.
std::vector<Frame> Wire::received() const {
    std::vector<Frame> frames;
    std::array<char, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    for (;;) {
        const auto n = ::recv(socket_, bytes.data(), bytes.size(), 0);
        if (n < 0) return frames;
        frames.emplace_back(bytes.data(), static_cast<std::size_t>(n));
    }
}

GuardGround::GuardGround() {
    enter_namespaces();
    ip("link set lo up");
    ip("link add br0 type bridge stp_state 0 mcast_snooping 0");
    ip("link set br0 address " + host_mac + " up");
    add_port("up0", "far0");
    ip("link set up0 address " + host_mac);
    add_port("p0", "g0");
    add_port("p1", "g1");
}

void GuardGround::ip(const std::string& arguments) {
    Command command{{"ip"}};
    std::istringstream words{arguments};
    for (std::string word; words >> word;) command.argv.push_back(word);
    checked(command);
}

std::string GuardGround::nft(std::vector<std::string> arguments, std::string input) {
    arguments.insert(arguments.begin(), "nft");
    return checked({std::move(arguments), std::move(input)}).out;
}

void GuardGround::add_veth(const std::string& one, const std::string& other) {
    checked({{"ip", "link", "add", "name", one, "type", "veth", "peer", "name", other}});
    for (const auto& name : {one, other}) checked({{"ip", "link", "set", "dev", name, "up"}});
}

void GuardGround::add_port(const std::string& port, const std::string& far, const std::string& bridge) {
    add_veth(port, far);
    checked({{"ip", "link", "set", "dev", port, "master", bridge}});
}

const Wire& GuardGround::wire(const std::string& device) {
    auto& wire = wires_[device];
    if (!wire) wire = std::make_unique<Wire>(device);
    return *wire;
}

bool GuardGround::leaves(const Frame& frame, const std::string& device) {
    const auto& far = wire("far0");
    static_cast<void>(far.received());
    wire(device).send(frame);
    // What follows is the host's own, so that every rule lets it out.
    const auto fence = ether(host_mac, 0x88B5, "fence" + std::to_string(++sent_));
    wire(device).send(fence);
    bool came = false;
    bool is_over = false;
    const auto look = [&] {
        for (const auto& got : far.received()) {
            came = came || got == frame ||
                   got == frame.substr(0, 12) + frame.substr(std::min<std::size_t>(16, frame.size()));
            is_over = is_over || got == fence;
        }
        return is_over;
    };
    if (!wait_until(look, 5s)) throw std::runtime_error{"the host's own frame does not arrive"};
    return came;
}

UplinkRules rules_of_up0(GuardMode mode) {
    UplinkRules rules{"up0", "br0", mode, {Mac::parse(host_mac)}, {}, {Prefix::parse("2001:db8:5::/48")}};
    rules.registered[Mac::parse(web_mac)] = {Address::parse("192.0.2.10"), Address::parse("2001:db8::10")};
    rules.registered[Mac::parse(mail_mac)] = {Address::parse("192.0.2.20")};
    return rules;
}

}  // namespace fip::test
