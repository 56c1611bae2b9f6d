// Whoever sends what must not leave is found out: every kind of sender that a host has, by its name.
#include "lab/dataplane/guard_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

using namespace fip;
using namespace fip::test;

namespace {

using Clock = std::chrono::steady_clock;

/// A sender, and how it is to be named.
struct Suspect {
    std::string what, mac, kind, name, detail;
};

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

std::string numbered_mac(int number) {
    return "02:00:00:00:a0:" + std::to_string(10 + number);
}

/// What is on the host beside libvirt, and sends. Everybody still lives when it is asked who it was.
class Crowd {
public:
    explicit Crowd(GuardLab& lab) : lab_{lab} {}

    void add(Suspect suspect) { suspects_.push_back(std::move(suspect)); }
    [[nodiscard]] const std::vector<Suspect>& suspects() const { return suspects_; }

    void named_namespace() {
        lab_.add_box("box");
        send_in("box", "eth0", numbered_mac(1));
        add({"namespace with a name", numbered_mac(1), "namespace", "box", ""});
    }

    void namespace_without_name() {
        processes_.push_back(lab_.lab.host.spawn({"unshare", "--net", "sleep", "600"}));
        const auto pid = inside_pid("sleep 600");
        lab_.must({"ip", "link", "add", "v-anon", "type", "veth", "peer", "name", "eth0", "netns", pid});
        lab_.must({"ip", "link", "set", "v-anon", "master", "br0", "up"});
        const std::vector<std::string> enter{"nsenter", "--net", "--target", pid};
        run(enter, {"ip", "link", "set", "eth0", "address", numbered_mac(2), "up"});
        run(enter, {send_frames_program(), "eth0", "--own-mac", "--count", "20", "--rate", "20"});
        add({"namespace without a name", numbered_mac(2), "process", "sleep", "pid " + pid});
    }

    void macvlan_in_namespace() {
        lab_.must({"ip", "netns", "add", "mvbox"});
        lab_.must({"ip", "link", "add", "mv1", "link", "br0", "address", numbered_mac(3), "type", "macvlan", "mode",
                   "bridge"});
        lab_.must({"ip", "link", "set", "mv1", "netns", "mvbox"});
        lab_.must({"ip", "-n", "mvbox", "link", "set", "mv1", "up"});
        send_in("mvbox", "mv1", numbered_mac(3));
        add({"macvlan in a namespace", numbered_mac(3), "namespace", "mvbox", ""});
    }

    void raw_sockets() {
        stay({GuardLab::uplink, "--mac", numbered_mac(4)});
        add({"raw socket on the uplink", numbered_mac(4), "process", "send-frames", "raw socket on up0"});
        stay({"br0", "--mac", numbered_mac(5)});
        add({"raw socket on the bridge", numbered_mac(5), "process", "send-frames", "raw socket on br0"});
    }

    void host_with_wrong_mac() {
        lab_.must({"ip", "link", "add", "mvh0", "link", "br0", "address", numbered_mac(6), "type", "macvlan", "mode",
                   "bridge"});
        speak("mvh0", "198.51.100.6");
        add({"the host's own device", numbered_mac(6), "host", "mvh0", "on br0"});
    }

    void other_end_here() {
        lab_.must({"ip", "link", "add", "pa", "type", "veth", "peer", "name", "pb", "address", numbered_mac(7)});
        lab_.must({"ip", "link", "set", "pa", "master", "br0", "up"});
        speak("pb", "198.51.100.7");
        add({"a port that ends here", numbered_mac(7), "port", "pa", "its other end is pb"});
    }

    void tap_of_a_program() {
        lab_.must({"ip", "tuntap", "add", "tap9", "mode", "tap"});
        lab_.must({"ip", "link", "set", "tap9", "master", "br0", "up"});
        stay({"tap9", "--through-tap", "--mac", numbered_mac(8)});
        add({"a program's tap", numbered_mac(8), "process", "send-frames", "tap9"});
    }

    void behind_a_second_bridge() {
        lab_.must({"ip", "link", "add", "br9", "type", "bridge", "forward_delay", "0"});
        lab_.must({"ip", "link", "set", "br9", "up"});
        lab_.must({"ip", "link", "add", "ba", "type", "veth", "peer", "name", "bb"});
        lab_.must({"ip", "link", "set", "ba", "master", "br0", "up"});
        lab_.must({"ip", "link", "set", "bb", "master", "br9", "up"});
        lab_.add_box("far", "br9");
        send_in("far", "eth0", numbered_mac(9));
        add({"a namespace behind a second bridge", numbered_mac(9), "namespace", "far", ""});
    }

    // Its network boot asks for an address.
    void machine_without_libvirt() {
        lab_.must({"ip", "tuntap", "add", "tapq", "mode", "tap"});
        lab_.must({"ip", "link", "set", "tapq", "master", "br0", "up"});
        processes_.push_back(lab_.lab.host.spawn({"qemu-system-x86_64", "-name", "solo", "-machine", "pc,accel=tcg",
                                                  "-m", "32", "-nodefaults", "-display", "none", "-netdev",
                                                  "tap,id=n0,ifname=tapq,script=no,downscript=no", "-device",
                                                  "virtio-net-pci,netdev=n0,mac=" + numbered_mac(10)}));
        add({"QEMU without libvirt", numbered_mac(10), "guest", "solo", ""});
    }

private:
    void send_in(const std::string& box, const std::string& device, const std::string& mac) {
        run({"ip", "netns", "exec", box},
            {send_frames_program(), device, "--mac", mac, "--count", "20", "--rate", "20"});
    }
    void run(std::vector<std::string> enter, const std::vector<std::string>& command) {
        enter.insert(enter.end(), command.begin(), command.end());
        lab_.must(enter);
    }
    void stay(std::vector<std::string> arguments) {
        for (const auto* word : {"--count", "6000", "--rate", "20", "--into-wall"}) arguments.emplace_back(word);
        processes_.push_back(lab_.send(arguments));
    }
    void speak(const std::string& device, const std::string& address) {
        lab_.must({"ip", "addr", "add", address + "/32", "dev", device});
        lab_.must({"ip", "link", "set", device, "up"});
        // Nobody answers: ARP is what is sent.
        static_cast<void>(
            lab_.lab.host.exec({"ping", "-c", "1", "-W", "1", "-I", device, std::string{"198.51.100.1"}}));
    }
    [[nodiscard]] std::string inside_pid(const std::string& command_line) {
        std::string pid;
        REQUIRE(wait_until(
            [&] {
                pid = lab_.lab.host.exec({"pgrep", "-xf", command_line}).out;
                return !pid.empty();
            },
            5s));
        return pid.substr(0, pid.find('\n'));
    }

    GuardLab& lab_;
    std::vector<Suspect> suspects_;
    std::deque<Process> processes_;
};

/// A guest with two NICs of ours, and a third on a macvtap device that lies on the bridge.
TerminalGuest boot_guest(GuardLab& lab, const std::string& macvtap_mac) {
    lab.must({"ip", "link", "add", "mvt0", "link", "br0", "address", macvtap_mac, "type", "macvtap", "mode", "bridge"});
    // The kernel's own first words would come before anybody holds the device.
    lab.must({"tee", "/proc/sys/net/ipv6/conf/mvt0/disable_ipv6"}, "1");
    lab.must({"ip", "link", "set", "mvt0", "up"});
    const auto number = lab.must({"cat", "/sys/class/net/mvt0/ifindex"}).out;
    const auto index = number.substr(0, number.find('\n'));
    auto device = lab.must({"cat", "/sys/class/net/mvt0/macvtap/tap" + index + "/dev"}).out;
    const auto colon = device.find(':');
    lab.must({"mknod", "/dev/tap" + index, "c", device.substr(0, colon),
              device.substr(colon + 1, device.find('\n') - colon - 1)});

    GuestXml guest;
    guest.name = "web1";
    guest.uuid = numbered_uuid(1);
    guest.nics = {{}, {}};
    guest.has_terminal = true;
    auto xml = domain_xml(guest);
    xml.insert(xml.find("    <serial"), "    <interface type='ethernet'><mac address='" + macvtap_mac +
                                            "'/><target dev='mvt0' managed='no'/><model type='virtio'/></interface>\n");
    lab.lab.host.define(xml);
    AWAIT(lab, lab.lab.is_served("web1", 2));
    lab.lab.host.start("web1");
    return TerminalGuest{lab.lab.host, "web1"};
}

const GuardLab::Stopped* row_of(const std::vector<GuardLab::Stopped>& rows, const std::string& mac) {
    const auto found = std::ranges::find(rows, mac, &GuardLab::Stopped::mac);
    return found == rows.end() ? nullptr : &*found;
}

std::chrono::milliseconds cpu_time(pid_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::istringstream words{text.substr(text.rfind(')') + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i) words >> skipped;
    long user = 0;
    long system = 0;
    words >> user >> system;
    return std::chrono::milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
}

}  // namespace

TEST_CASE("every kind of sender is named: once in the log, in guard status and, if it is a guest, in explain",
          "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    const auto macvtap_mac = numbered_mac(21);
    auto web = boot_guest(lab, macvtap_mac);
    web.wait_until_ready();
    Crowd crowd{lab};
    static_cast<void>(web.run("send-frames eth0 --mac " + numbered_mac(22) + " --count 5"));
    static_cast<void>(web.run("send-frames eth1 --mac " + numbered_mac(23) + " --count 5"));
    static_cast<void>(web.run("send-frames eth2 --own-mac --count 5"));
    crowd.add({"guest", numbered_mac(22), "guest", "web1", "net0"});
    crowd.add({"its second NIC", numbered_mac(23), "guest", "web1", "net1"});
    crowd.add({"its macvtap on the bridge", macvtap_mac, "guest", "web1", "net2"});
    crowd.machine_without_libvirt();
    crowd.named_namespace();
    crowd.namespace_without_name();
    crowd.macvlan_in_namespace();
    crowd.raw_sockets();
    crowd.host_with_wrong_mac();
    crowd.other_end_here();
    crowd.tap_of_a_program();
    crowd.behind_a_second_bridge();

    AWAIT(lab, row_of(lab.stopped(), numbered_mac(10)) != nullptr);
    const auto rows = lab.stopped();
    const auto explained = lab.cli({"guest", "explain", "web1"}).out;
    const auto log = lab.lab.log();
    for (const auto& suspect : crowd.suspects()) {
        INFO(suspect.what << ", " << suspect.mac);
        const auto* row = row_of(rows, suspect.mac);
        CHECK(row != nullptr);
        if (row == nullptr) continue;
        std::cout << suspect.what << ": " << row->sender << "\n";
        CHECK(row->kind == suspect.kind);
        CHECK(row->name == suspect.name);
        CHECK(row->detail.find(suspect.detail) != std::string::npos);
        CHECK(row->frames > 0);
        CHECK(count(log, "source MAC " + suspect.mac + " ") == 1);
        if (suspect.name == "web1") CHECK(explained.find(suspect.mac) != std::string::npos);
    }
    CHECK(crowd.suspects().size() >= 10);
    lab.require_clean_wire();
}

TEST_CASE("a flood of made-up MACs costs nothing, and forgets nobody else", "[lab]") {
    GuardLab lab;
    lab.start_daemon();
    lab.add_box("quiet");
    lab.add_box("loud");
    lab.must({"ip", "netns", "exec", "quiet", send_frames_program(), "eth0", "--mac", numbered_mac(1)});
    AWAIT(lab, row_of(lab.stopped(), numbered_mac(1)) != nullptr);
    const auto lines = count(lab.lab.log(), "\n");
    const auto before = cpu_time(lab.lab.daemon().pid());
    const auto begin = Clock::now();
    lab.must({"ip", "netns", "exec", "loud", send_frames_program(), "eth0", "--count", "131072", "--macs", "65536",
              "--ethertypes", "all"});
    const auto sent_in = std::chrono::duration<double>(Clock::now() - begin).count();
    REQUIRE(wait_until([&] { return Clock::now() - begin > 12s; }, 20s));  // the counts are taken over meanwhile
    const auto spent = cpu_time(lab.lab.daemon().pid()) - before;
    const auto rows = lab.stopped();
    const auto more_lines = count(lab.lab.log(), "\n") - lines;
    std::cout << "131072 frames of 65536 MACs in " << sent_in << " s: the daemon spent " << spent.count()
              << " ms of CPU, logged " << more_lines << " lines, remembers " << rows.size() << " senders\n";
    lab.require_clean_wire();
    CHECK(rows.size() <= 1024);
    CHECK(more_lines <= 10);
    CHECK(spent < 1500ms);
    CHECK(std::ranges::count(rows, "v-loud", &GuardLab::Stopped::port) > 0);
    CHECK(std::ranges::all_of(rows, [](const GuardLab::Stopped& row) {
        return row.port != "v-loud" || (row.kind == "namespace" && row.name == "loud");
    }));
}
