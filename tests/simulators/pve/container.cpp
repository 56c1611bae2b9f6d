#include "simulators/pve/container.hpp"

#include "simulators/pve/bridge.hpp"
#include "simulators/pve/hook.hpp"
#include "simulators/pve/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string folder(const Guest& guest) {
    return "/var/lib/lxc/" + guest.id();
}

// 0: it does not run. The monitor writes its own pid and that of the container's first process.
std::pair<pid_t, pid_t> pids(const Guest& guest) {
    const auto words = split(trimmed(read_file(folder(guest) + "/pids").value_or("")), ' ');
    if (words.size() != 2) return {0, 0};
    const auto command = split(read_file("/proc/" + words[0] + "/cmdline").value_or(""), '\0');
    if (command.size() < 2 || command[0] != "lxc-start" || command[1] != guest.id()) return {0, 0};
    return {number(words[0]).value_or(0), number(words[1]).value_or(0)};
}

std::string veth_name(const Guest& guest, const std::string& key) {
    return "veth" + guest.id() + "i" + key.substr(3);
}

// hwaddr and name as `net` says, bridge and its like too.
void add_net(const Guest& guest, const std::string& key, const Properties& net, pid_t inside) {
    if (!net.contains("bridge") || !has_device(net.at("bridge"))) return;
    const auto veth = veth_name(guest, key);
    const auto peer = veth + "p";
    ip("link add " + veth + " type veth peer name " + peer);
    ip("link set " + peer + " address " + net.at("hwaddr") + " netns " + std::to_string(inside));
    join_bridge(guest, veth, number(key.substr(3)).value_or(0), net);
    const auto enter = std::vector<std::string>{"/usr/bin/nsenter", "--net=/proc/" + std::to_string(inside) + "/ns/net",
                                                "/usr/sbin/ip"};
    for (const auto& words : {"link set " + peer + " name " + net.at("name"), "link set " + net.at("name") + " up"}) {
        auto argv = enter;
        for (const auto& word : split(words, ' ')) argv.push_back(word);
        run_relayed(argv);
    }
}

}  // namespace

bool is_container_running(const Guest& guest) {
    return pids(guest).first != 0;
}

// facts 1.5: hwaddr, name and mtu are of the config before the hook, bridge, tag and firewall of the file now.
void start_container(const Guest& guest, const ConfigFile& config) {
    fs::create_directories(folder(guest));
    ::unlink((folder(guest) + "/pids").c_str());
    spawn_detached({"lxc-start", guest.id()});
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (pids(guest).first == 0) {
        if (std::chrono::steady_clock::now() > end)
            throw CommandError{"startup for container '" + guest.id() + "' failed\n"};
        std::this_thread::sleep_for(2ms);
    }
    const auto now = load(guest);
    for (const auto& [key, value] : config.main.values) {
        if (!is_net(key)) continue;
        auto net = parse_pairs(value);
        for (const auto& [name, other] : parse_pairs(now.main.get(key))) {
            if (name != "hwaddr" && name != "name" && name != "mtu") net[name] = other;
        }
        if (!net.contains("hwaddr")) net["hwaddr"] = random_mac(mac_prefix());
        net.try_emplace("name", "eth" + key.substr(3));
        add_net(guest, key, net, pids(guest).second);
    }
}

void stop_container(const Guest& guest) {
    const auto monitor = pids(guest).first;
    if (monitor == 0) return;
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, monitor, 0));
    ::kill(monitor, SIGTERM);
    pollfd end{process, POLLIN, 0};
    if (process >= 0) ::poll(&end, 1, 10'000);
    ::close(process);
}

void plug_container_net(const Guest& guest, const std::string& key, const Properties& net) {
    if (setting("FIP_SIM_PVE_LXC_DEVICE") == "fails") {
        throw CommandError{"command 'lxc-device -n " + guest.id() + " add " + veth_name(guest, key) + "p " +
                           net.at("name") + "' failed: exit code 1\n"};
    }
    add_net(guest, key, net, pids(guest).second);
}

void remove_container_net(const Guest& guest, const std::string& key) {
    if (has_device(veth_name(guest, key))) ip("link del " + veth_name(guest, key));
    leave_firewall_bridge(guest, number(key.substr(3)).value_or(0));
}

// facts 6: the abstract socket says that the container runs.
int run_container_monitor(const std::string& vmid) {
    const Guest guest{Kind::lxc, number(vmid).value_or(0)};
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGTERM, SIGCHLD}) ::sigaddset(&ending, signal);
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
    const auto name = folder(guest) + "/command";
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    name.copy(at.sun_path + 1, sizeof at.sun_path - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), size) != 0 || ::listen(listener, 1) != 0) return 1;
    std::array<int, 2> ready{};
    if (::pipe2(ready.data(), O_CLOEXEC) != 0) return 1;
    const auto child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        const char done = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
        [[maybe_unused]] const auto n = ::write(ready[1], &done, 1);
        ::execl("/usr/bin/sleep", "/sbin/init", "infinity", nullptr);
        ::_exit(127);
    }
    char done = 'n';
    if (::read(ready[0], &done, 1) != 1 || done != 'y') return 1;
    {
        std::ofstream file{folder(guest) + "/pids.new"};
        file << ::getpid() << ' ' << child << '\n';
    }
    fs::rename(folder(guest) + "/pids.new", folder(guest) + "/pids");
    int signal = 0;
    ::sigwait(&ending, &signal);  // SIGCHLD: the container has ended by itself
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(listener);
    ::unlink((folder(guest) + "/pids").c_str());
    // facts 1.5: LXC's own post-stop hook calls ours, in this process's name.
    std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds("FIP_SIM_PVE_CLEANUP_MS", 700)});
    ::sigprocmask(SIG_UNBLOCK, &ending, nullptr);
    spawn_detached({"pct", "cleanup", vmid});
    return 0;
}

}  // namespace fip::sim::pve
