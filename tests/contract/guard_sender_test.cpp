// Whose frame was it? Real devices, processes and namespaces; each row is one kind of sender.
#include "guard/sender_name.hpp"
#include "guard_ground.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/process.hpp"
#include "support/wait_until.hpp"

template <>
struct Catch::StringMaker<fip::guard::SenderName> {
    static std::string convert(const fip::guard::SenderName& one) {
        return one.kind + " | " + one.name + " | " + one.detail;
    }
};

using namespace fip;
using namespace fip::guard;
using namespace fip::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const auto foreign = Mac::parse(foreign_mac);
const std::string self = "pid " + std::to_string(::getpid());

// A tap that this program holds.
class Tap {
public:
    explicit Tap(const std::string& name) : file_{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)} {
        ifreq request{};
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        REQUIRE(file_ >= 0);
        REQUIRE(::ioctl(file_, TUNSETIFF, &request) == 0);
    }
    ~Tap() { ::close(file_); }
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;

private:
    int file_;
};

Process qemu(std::vector<std::string> arguments) {
    std::vector<std::string> words{"qemu-system-x86_64", "-S", "-display", "none", "-nodefaults", "-machine", "none"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return Process{{words}};
}

// A program in a network namespace of its own.
class Elsewhere {
public:
    explicit Elsewhere(const std::vector<std::string>& argv) : process_{{argv}} {
        const auto here = fs::read_symlink("/proc/self/ns/net");
        REQUIRE(wait_until([&] { return !find(here).empty(); }, 5s));
        pid_ = find(here);
    }
    [[nodiscard]] const std::string& pid() const { return pid_; }

private:
    // The program, or the child that it started.
    [[nodiscard]] std::string find(const fs::path& here) const {
        std::ifstream children{"/proc/" + std::to_string(process_.pid()) + "/task/" + std::to_string(process_.pid()) +
                               "/children"};
        std::string child;
        children >> child;
        for (const auto& pid : {std::to_string(process_.pid()), child}) {
            std::error_code gone;
            const auto there = fs::read_symlink("/proc/" + pid + "/ns/net", gone);
            if (!pid.empty() && !gone && there != here) return pid;
        }
        return {};
    }

    Process process_;
    std::string pid_;
};

}  // namespace

TEST_CASE("a QEMU guest is named by its tap, with the interface") {
    GuardGround ground;
    auto guest = qemu({"-name", "guest=web,,1,debug-threads=on", "-netdev",
                       "tap,id=hostnet0,ifname=tap0,script=no,downscript=no", "-netdev",
                       "tap,id=hostnet1,ifname=tap1,script=no,downscript=no"});
    REQUIRE(wait_until([] { return fs::exists("/sys/class/net/tap1"); }, 10s));
    GuardGround::ip("link set tap0 master br0");
    CHECK(name_sender({"up0", "tap0", foreign}) == SenderName{"guest", "web,1", "net0"});
    CHECK(name_sender({"up0", "tap1", foreign}) == SenderName{"guest", "web,1", "net1"});
    guest.kill();
    CHECK(name_sender({"up0", "tap0", foreign}).kind == "port");
}

TEST_CASE("a QEMU guest on a macvtap is named by the MAC that it wears") {
    GuardGround ground;
    const auto lower = GENERATE(as<std::string>{}, "br0", "up0");
    if (lower == "up0") GuardGround::ip("link set up0 nomaster");
    GuardGround::ip("link add mvt0 link " + lower + " address " + foreign_mac + " type macvtap mode bridge");
    std::string number;
    std::ifstream{"/sys/class/net/mvt0/ifindex"} >> number;
    // The node that udev would have made.
    std::ifstream file{"/sys/class/net/mvt0/macvtap/tap" + number + "/dev"};
    unsigned major_number = 0;
    unsigned minor_number = 0;
    char colon = 0;
    REQUIRE(file >> major_number >> colon >> minor_number);
    const auto node = "/run/tap" + number;
    REQUIRE(::mknod(node.c_str(), S_IFCHR | 0600, makedev(major_number, minor_number)) == 0);
    Process guest{{{"sh", "-c",
                    "exec qemu-system-x86_64 -S -display none -nodefaults -machine none -name mail "
                    "-netdev tap,id=hostnet0,fd=3 3<>" +
                        node}}};
    const SenderName expected{"guest", "mail", "net0"};
    const Sender sender{"up0", "", foreign, lower == "up0"};
    CHECK(wait_until([&] { return name_sender(sender) == expected; }, 10s));
    CHECK(name_sender(sender) == expected);
}

TEST_CASE("a tap of another program is named by the program") {
    GuardGround ground;
    const Tap tap{"tap7"};
    CHECK(name_sender({"up0", "tap7", foreign}) == SenderName{"process", "guard_contract_", self + ", tap7"});
}

TEST_CASE("a tap that nobody holds is a port") {
    GuardGround ground;
    GuardGround::ip("tuntap add tap8 mode tap");
    CHECK(name_sender({"up0", "tap8", foreign}) == SenderName{"port", "tap8", "tap that no process holds"});
}

TEST_CASE("a veth into a named namespace is named by it") {
    GuardGround ground;
    GuardGround::ip("netns add blue");
    GuardGround::ip("netns add green");
    GuardGround::ip("link set g0 netns green");
    GuardGround::ip("link set g1 netns blue");
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"namespace", "green", "p0"});
    CHECK(name_sender({"up0", "p1", foreign}) == SenderName{"namespace", "blue", "p1"});
}

TEST_CASE("a veth into a namespace without a name is named by a process in it") {
    GuardGround ground;
    const Elsewhere other{{"unshare", "-n", "sleep", "60"}};
    const Elsewhere decoy{{"unshare", "-n", "sleep", "61"}};
    GuardGround::ip("link set g0 netns " + other.pid());
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"process", "sleep", "pid " + other.pid() + ", p0"});
}

TEST_CASE("a container of libvirt's LXC driver is named by its controller") {
    GuardGround ground;
    const Elsewhere other{
        {"bash", "-c", "exec -a /usr/lib/libvirt/libvirt_lxc bash -c 'unshare -n sleep 60 & wait' x --name shop"}};
    GuardGround::ip("link set g0 netns " + other.pid());
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"container", "shop", "libvirt, p0"});
}

TEST_CASE("a macvlan in another namespace is named by the namespace") {
    GuardGround ground;
    GuardGround::ip("netns add blue");
    GuardGround::ip("link add mv0 link br0 address " + foreign_mac + " type macvlan mode bridge");
    GuardGround::ip("link set mv0 netns blue");
    CHECK(name_sender({"up0", "", foreign}) == SenderName{"namespace", "blue", ""});
    const Elsewhere other{{"unshare", "-n", "sleep", "60"}};
    GuardGround::ip("link add mv1 link br0 address 02:00:00:00:66:67 type macvlan mode bridge");
    GuardGround::ip("link set mv1 netns " + other.pid());
    CHECK(name_sender({"up0", "", Mac::parse("02:00:00:00:66:67")}) ==
          SenderName{"process", "sleep", "pid " + other.pid()});
}

TEST_CASE("a device of the host that wears the MAC is named") {
    GuardGround ground;
    GuardGround::ip("link add mv0 link br0 address " + foreign_mac + " type macvlan mode bridge");
    CHECK(name_sender({"up0", "", foreign}) == SenderName{"host", "mv0", "on br0"});
    GuardGround::ip("link set mv0 address 02:00:00:00:66:67");
    GuardGround::ip("link set br0 address " + foreign_mac);
    CHECK(name_sender({"up0", "", foreign}) == SenderName{"host", "br0", "bridge"});
}

TEST_CASE("a process that sends on the uplink itself is named by its raw socket") {
    GuardGround ground;
    const Mac unknown = Mac::parse("02:00:00:00:66:99");
    CHECK(name_sender({"up0", "", unknown, true}) == SenderName{"host", "", "sent on up0"});
    ground.wire("up0");
    CHECK(name_sender({"up0", "", unknown, true}) ==
          SenderName{"process", "guard_contract_", self + ", raw socket on up0"});
    CHECK(name_sender({"up0", "", unknown}) == SenderName{"host", "", "sent on br0"});
    ground.wire("br0");
    CHECK(name_sender({"up0", "", unknown}).name == "guard_contract_");
}

TEST_CASE("a port of another kind is named as it is") {
    GuardGround ground;
    GuardGround::ip("link add vx0 type vxlan id 7 dstport 4789 local 192.0.2.1");
    GuardGround::ip("link set vx0 master br0");
    CHECK(name_sender({"up0", "vx0", foreign}) == SenderName{"port", "vx0", "vxlan"});
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"port", "p0", "its other end is g0"});
    CHECK(name_sender({"up0", "gone", foreign}) == SenderName{"port", "gone", ""});
}

// As Proxmox VE's firewall builds it: tap, bridge, veth, bridge.
TEST_CASE("a guest behind a second bridge is found by that bridge's table") {
    GuardGround ground;
    GuardGround::ip("link add fwbr0 type bridge stp_state 0 mcast_snooping 0");
    GuardGround::ip("link set fwbr0 up");
    GuardGround::ip("link set g0 master fwbr0");
    GuardGround::add_port("p5", "g5", "fwbr0");
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"port", "p0", "its other end is on fwbr0"});
    ground.wire("g5").send(ether(foreign_mac, 0x88B5, "learn me"));
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"process", "guard_contract_", self + ", raw socket on g5"});
    ground.forget_wire("g5");
    CHECK(name_sender({"up0", "p0", foreign}) == SenderName{"port", "p5", "its other end is g5"});
}

TEST_CASE("a MAC without a port is looked for in the bridge's table") {
    GuardGround ground;
    GuardGround::ip("netns add green");
    ground.wire("g0").send(ether(foreign_mac, 0x88B5, "learn me"));
    ground.forget_wire("g0");
    CHECK(name_sender({"up0", "", foreign}) == SenderName{"port", "p0", "its other end is g0"});
}
