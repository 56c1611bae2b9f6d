#include "simulators/pve/stand_in.hpp"

#include "simulators/pve/hook.hpp"
#include "simulators/pve/node.hpp"
#include "simulators/pve/property.hpp"
#include "simulators/pve/text.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <thread>

namespace fip::sim::pve {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

struct Device {
    std::string mac;
    std::string netdev;
    std::optional<Clock::time_point> leaves;  ///< Asked to; max(): it never does.
};

class StandIn {
public:
    void add_netdev(const std::string& text) {
        auto pairs = parse_pairs("type=" + text);
        const auto id = pairs.at("id");
        if (netdevs_.contains(id)) throw CommandError{"Duplicate ID '" + id + "' for netdev"};
        netdevs_[id] = pairs.at("type") == "tap" ? open_tap(pairs.at("ifname"), pairs.at("script")) : -1;
    }

    void add_device(const std::string& text) {
        const auto pairs = parse_pairs("driver=" + text);
        if (!pairs.contains("netdev")) return;
        devices_[pairs.at("id")] = {lower(pairs.at("mac")), pairs.at("netdev"), std::nullopt};
    }

    void listen(const std::string& path) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        ::unlink(path.c_str());
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 1) != 0) {
            throw CommandError{"Failed to bind socket to " + path};
        }
    }

    void begin_paused() { status_ = "prelaunch"; }

    [[noreturn]] void serve() {
        for (;;) {
            client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client_ < 0) continue;
            send({{"QMP", {{"version", json::object{}}, {"capabilities", json::array{}}}}});
            converse();
            ::close(client_);
        }
    }

private:
    static int open_tap(const std::string& name, const std::string& script) {
        const int tap = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        ifreq request{};
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        if (tap < 0 || ::ioctl(tap, TUNSETIFF, &request) != 0) throw CommandError{"could not configure /dev/net/tun"};
        if (run_relayed({script, name}) != 0)
            throw CommandError{"network script " + script + " failed with status 256"};
        return tap;
    }

    void converse() {
        std::string text;
        for (;;) {
            std::array<char, 4096> part{};
            pollfd input{client_, POLLIN, 0};
            ::poll(&input, 1, 100);
            let_go();
            if (input.revents == 0) continue;
            const auto n = ::recv(client_, part.data(), part.size(), 0);
            if (n <= 0) return;
            text.append(part.data(), static_cast<std::size_t>(n));
            for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
                answer(json::parse(text.substr(0, end)).as_object());
                text.erase(0, end + 1);
            }
        }
    }

    void answer(const json::object& request) {
        let_go();
        try {
            const auto* arguments = request.if_contains("arguments");
            const auto command = std::string{request.at("execute").as_string()};
            const auto result = carry_out(command, arguments == nullptr ? json::object{} : arguments->as_object());
            send({{"return", result}});
            if (command == "quit" || command == "system_powerdown") ::_exit(0);
        } catch (const std::exception& error) {
            send({{"error", {{"class", "GenericError"}, {"desc", error.what()}}}});
        }
    }

    json::value carry_out(const std::string& command, const json::object& arguments) {
        const auto text = [&](const char* key) { return std::string{arguments.at(key).as_string()}; };
        std::ofstream{"/run/fip-sim-pve-qmp.log", std::ios::app} << command << '\n';
        if (command == "qom-list") {
            json::array list{{{"name", "type"}, {"type", "string"}}};
            for (const auto& [id, device] : devices_) list.push_back({{"name", id}, {"type", "child<virtio-net-pci>"}});
            return list;
        }
        if (command == "qom-get") return json::string{at(text("path").substr(text("path").rfind('/') + 1)).mac};
        if (command == "query-status") return {{"status", status_}, {"running", status_ == "running"}};
        if (command == "stop" && status_ == "running") status_ = "paused";
        if (command == "cont") status_ = "running";
        if (command == "device_del") return ask_to_leave(text("id"));
        if (command == "system_reset") return reset();
        if (command == "netdev_del") {
            if (netdevs_.contains(text("id"))) ::close(netdevs_[text("id")]);
            netdevs_.erase(text("id"));
        }
        if (command == "netdev_add") {
            auto words = text("type");
            for (const auto& [key, value] : arguments) {
                if (value.is_string() && key != "type")
                    words += "," + std::string{key} + "=" + std::string{value.as_string()};
            }
            add_netdev(words);
        }
        if (command == "device_add") {
            devices_[text("id")] = {lower(text("mac")), text("netdev"), std::nullopt};
        }
        return json::object{};
    }

    Device& at(const std::string& id) {
        const auto found = devices_.find(id);
        if (found == devices_.end()) throw CommandError{"Device '" + id + "' not found"};
        return found->second;
    }

    // QEMU: a second device_del while the first waits for the guest is an error.
    json::value ask_to_leave(const std::string& id) {
        auto& device = at(id);
        if (device.leaves) throw CommandError{"Device " + id + " is already in the process of unplug"};
        const int time = milliseconds("FIP_SIM_PVE_EJECT_MS", -1);
        device.leaves = time < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds{time};
        let_go();
        return json::object{};
    }

    // QEMU: what waits to be unplugged is gone after a reset, and a guest that was paused is as before its begin.
    json::value reset() {
        if (status_ != "running") status_ = "prelaunch";
        for (auto& [id, device] : devices_) {
            if (device.leaves) device.leaves = Clock::now();
        }
        let_go();
        return json::object{};
    }

    void let_go() {
        std::erase_if(devices_,
                      [](const auto& item) { return item.second.leaves && *item.second.leaves <= Clock::now(); });
    }

    void send(const json::object& message) const {
        const auto line = json::serialize(message) + "\r\n";
        [[maybe_unused]] const auto n = ::send(client_, line.data(), line.size(), MSG_NOSIGNAL);
    }

    std::map<std::string, int> netdevs_;
    std::map<std::string, Device> devices_;
    int listener_ = -1;
    int client_ = -1;
    std::string status_ = "running";
};

std::string after(const std::string& text, const std::string& head) {
    return text.substr(head.size(), text.find(',') - head.size());
}

}  // namespace

int run_stand_in(const std::vector<std::string>& argv) {
    try {
        StandIn machine;
        std::string pid_file;
        for (std::size_t i = 1; i + 1 < argv.size(); ++i) {
            if (argv[i] == "-pidfile") pid_file = argv[i + 1];
            if (argv[i] == "-qmp") machine.listen(after(argv[i + 1], "unix:"));
            if (argv[i] == "-netdev") machine.add_netdev(argv[i + 1]);
            if (argv[i] == "-device") machine.add_device(argv[i + 1]);
        }
        if (std::find(argv.begin(), argv.end(), "-S") != argv.end()) machine.begin_paused();
        // As QEMU's -daemonize: who started it goes on when it is in a session of its own.
        std::array<int, 2> ready{};
        if (::pipe2(ready.data(), O_CLOEXEC) != 0) throw CommandError{"no pipe"};
        const auto child = ::fork();
        if (child == 0) {
            ::setsid();
            ::close(ready[0]);
            ::close(ready[1]);
            const int null = ::open("/dev/null", O_RDWR);
            for (const int file : {0, 1, 2}) ::dup2(null, file);
            machine.serve();
        }
        ::close(ready[1]);
        char nothing = 0;
        [[maybe_unused]] const auto n = ::read(ready[0], &nothing, 1);
        std::ofstream{pid_file} << child << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "kvm: " << error.what() << '\n';
        return 1;
    }
}

int run_event_daemon(const std::string& pid, const std::string& vmid) {
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, number(pid).value_or(0), 0));
    pollfd end{process, POLLIN, 0};
    if (process >= 0) ::poll(&end, 1, -1);
    std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds("FIP_SIM_PVE_CLEANUP_MS", 700)});
    ::unsetenv("PVE_MIGRATED_FROM");
    spawn_detached({"qm", "cleanup", vmid});
    return 0;
}

}  // namespace fip::sim::pve
