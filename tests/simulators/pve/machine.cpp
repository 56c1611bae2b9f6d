#include "simulators/pve/machine.hpp"

#include "simulators/pve/bridge.hpp"
#include "simulators/pve/hook.hpp"
#include "simulators/pve/qmp.hpp"
#include "simulators/pve/text.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

namespace fip::sim::pve {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr auto bridge_script = "/var/lib/qemu-server/pve-bridge";

std::string runtime_file(const Guest& guest, const std::string& suffix) {
    return "/var/run/qemu-server/" + guest.id() + suffix;
}

// 0: it does not run.
pid_t machine_pid(const Guest& guest) {
    const auto text = read_file(runtime_file(guest, ".pid"));
    const auto pid = text ? number(trimmed(*text)) : std::nullopt;
    if (!pid) return 0;
    const auto command = split(read_file("/proc/" + std::to_string(*pid) + "/cmdline").value_or(""), '\0');
    if (command.empty()) return 0;
    const auto program = fs::path{command[0]}.filename().string();
    if (program != "kvm" && !program.starts_with("qemu-system-")) return 0;
    for (std::size_t i = 0; i + 1 < command.size(); ++i) {
        if (command[i] == "-pidfile" && command[i + 1] == runtime_file(guest, ".pid")) return *pid;
    }
    return 0;
}

bool has_ended(pid_t pid, std::chrono::milliseconds limit) {
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (process < 0) return true;
    pollfd end{process, POLLIN, 0};
    const bool is_over = ::poll(&end, 1, static_cast<int>(limit.count())) == 1;
    ::close(process);
    return is_over;
}

std::string driver(const std::string& model) {
    return model == "virtio" ? "virtio-net-pci" : model;
}

std::string tap_name(const Guest& guest, const std::string& device) {
    return "tap" + guest.id() + "i" + device.substr(3);
}

bool has_bridge(const Properties& net) {
    return net.contains("bridge") && has_device(net.at("bridge"));
}

// Without the bridge here: a NIC whose cable ends nowhere, so that tests do without a network.
std::string netdev_argument(const Guest& guest, const std::string& device, const Properties& net) {
    if (!has_bridge(net)) return "hubport,id=" + device + ",hubid=" + device.substr(3);
    return "tap,id=" + device + ",ifname=" + tap_name(guest, device) + ",script=" + bridge_script + ",downscript=no";
}

std::string device_argument(const std::string& device, const Properties& net) {
    auto text = driver(net.at("model")) + ",mac=" + net.at("macaddr") + ",netdev=" + device + ",id=" + device;
    if (net.at("model") == "ne2k_isa") return text;
    const auto index = number(device.substr(3)).value_or(0);
    text += ",bus=pci.0,romfile=";
    return index < 6 ? text + ",addr=0x" + "234567"[index] : text;
}

std::vector<std::string> command_line(const Guest& guest, const ConfigFile& config, const StartOptions& options) {
    const auto& main = config.main;
    const auto name = main.get("name").empty() ? "vm" + guest.id() : main.get("name");
    const bool is_q35 = main.get("machine").find("q35") != std::string::npos;
    std::vector<std::string> argv{"/usr/bin/kvm",
                                  "-id",
                                  guest.id(),
                                  "-name",
                                  name + ",debug-threads=on",
                                  "-qmp",
                                  "unix:" + runtime_file(guest, ".qmp") + ",server=on,wait=off",
                                  "-pidfile",
                                  runtime_file(guest, ".pid"),
                                  "-daemonize",
                                  "-nodefaults",
                                  "-display",
                                  "none",
                                  "-machine",
                                  is_q35 ? "q35,accel=tcg" : "pc,accel=tcg",
                                  "-m",
                                  "64"};
    // No -no-shutdown: a guest that powers off ends its process, as qmeventd sees to in reality.
    const auto smbios = main.get("smbios1");
    if (smbios.starts_with("uuid=")) argv.insert(argv.end(), {"-smbios", "type=1," + smbios});
    if (is_q35)
        argv.insert(argv.end(),
                    {"-device", "i82801b11-bridge,id=dmi", "-device", "pci-bridge,id=pci.0,bus=dmi,chassis_nr=1"});
    for (const auto& [key, value] : main.values) {
        std::string why;
        if (!is_net(key)) continue;
        auto net = parse_net(value, why);
        if (!net) continue;
        if (!net->contains("macaddr"))
            (*net)["macaddr"] = random_mac(mac_prefix());  // facts 2.3: another one each start
        argv.insert(argv.end(), {"-netdev", netdev_argument(guest, key, *net), "-device", device_argument(key, *net)});
    }
    for (const auto& word : split(main.get("args"), ' ')) {
        if (!word.empty()) argv.push_back(word);
    }
    if (options.is_paused || !options.migrated_from.empty()) argv.emplace_back("-S");
    if (!options.migrated_from.empty()) {
        argv.insert(argv.end(), {"-incoming", "unix:" + runtime_file(guest, ".migrate")});
    }
    if (main.get("lock") == "suspended") argv.insert(argv.end(), {"-loadstate", main.get("vmstate")});
    return argv;
}

bool has_peripheral(const Guest& guest, const std::string& device) {
    const auto list = qmp(runtime_file(guest, ".qmp"), "qom-list", {{"path", "/machine/peripheral"}});
    for (const auto& item : list.as_array()) {
        if (item.at("name").as_string() == device) return true;
    }
    return false;
}

}  // namespace

bool is_machine_running(const Guest& guest) {
    return machine_pid(guest) != 0;
}

void start_machine(const Guest& guest, const ConfigFile& config, const StartOptions& options) {
    fs::create_directories("/var/run/qemu-server");
    auto argv = command_line(guest, config, options);
    const bool has_qemu = setting("FIP_SIM_PVE_NO_QEMU").empty();
    for (auto i = argv.begin(); has_qemu && i != argv.end();) {  // words of PVE's own QEMU
        const bool is_pve = *i == "-id" || *i == "-loadstate";
        i = is_pve ? argv.erase(i, i + 2) : i + 1;
    }
    const auto child = ::fork();
    if (child == 0) {
        std::vector<char*> words;
        for (auto& word : argv) words.push_back(word.data());
        words.push_back(nullptr);
        ::execv(has_qemu ? "/usr/bin/qemu-system-x86_64" : "/proc/self/exe", words.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto pid = machine_pid(guest);
    if (status != 0 || pid == 0) {
        throw CommandError{"start failed: QEMU exited with code " + std::to_string(WEXITSTATUS(status)) + "\n"};
    }
    spawn_detached({"qmeventd", std::to_string(pid), guest.id()});
}

void stop_machine(const Guest& guest) {
    const auto pid = machine_pid(guest);
    if (pid == 0) return;
    try {
        qmp(runtime_file(guest, ".qmp"), "quit");
    } catch (const CommandError&) {
        ::kill(pid, SIGTERM);  // somebody else holds its monitor
    }
    // PVE::QemuServer::_do_vm_stop looks once a second.
    for (int i = 0; i < 10; ++i) {
        if (has_ended(pid, 0s)) return;
        std::this_thread::sleep_for(1s);
    }
    ::kill(pid, SIGKILL);
    static_cast<void>(has_ended(pid, 10s));
}

void remove_runtime_files(const Guest& guest) {
    for (const auto* suffix : {".pid", ".qmp"}) ::unlink(runtime_file(guest, suffix).c_str());
    std::error_code ignored;
    for (const auto& device : fs::directory_iterator{"/sys/class/net", ignored}) {
        const auto name = device.path().filename().string();
        if (name.starts_with("fwln" + guest.id() + "i"))
            leave_firewall_bridge(guest, number(name.substr(name.rfind('i') + 1)).value_or(0));
    }
}

void tell_machine(const Guest& guest, const std::string& command) {
    qmp(runtime_file(guest, ".qmp"), command);
}

void unplug(const Guest& guest, const std::string& device) {
    const auto socket = runtime_file(guest, ".qmp");
    if (!has_peripheral(guest, device)) return;
    qmp(socket, "device_del", {{"id", device}});
    for (int i = 0; has_peripheral(guest, device); ++i) {
        if (i == 5) throw CommandError{"error on hot-unplugging device '" + device + "'"};
        std::this_thread::sleep_for(1s);
    }
    qmp(socket, "netdev_del", {{"id", device}});
    leave_firewall_bridge(guest, number(device.substr(3)).value_or(0));
}

void plug(const Guest& guest, const ConfigFile&, const std::string& device, const Properties& net) {
    const auto socket = runtime_file(guest, ".qmp");
    if (has_peripheral(guest, device)) return;
    if (has_bridge(net)) {
        qmp(socket, "netdev_add",
            {{"type", "tap"},
             {"id", device},
             {"ifname", tap_name(guest, device)},
             {"script", bridge_script},
             {"downscript", "no"}});
    } else {
        qmp(socket, "netdev_add",
            {{"type", "hubport"}, {"id", device}, {"hubid", number(device.substr(3)).value_or(0)}});
    }
    json::object arguments{{"driver", driver(net.at("model"))},
                           {"mac", net.at("macaddr")},
                           {"netdev", device},
                           {"id", device},
                           {"bus", "pci.0"},
                           {"romfile", ""}};
    const auto index = number(device.substr(3)).value_or(0);
    if (index < 6) arguments["addr"] = std::string{"0x"} + "234567"[index];
    try {
        qmp(socket, "device_add", arguments);
    } catch (const CommandError&) {
        qmp(socket, "netdev_del", {{"id", device}});
        throw;
    }
}

void move_to_bridge(const Guest& guest, const std::string& device, const Properties& net) {
    const auto tap = tap_name(guest, device);
    if (has_device(tap) && has_bridge(net)) join_bridge(guest, tap, number(device.substr(3)).value_or(0), net);
}

// facts 1.2: bridge, tag, firewall of the file that is there now, with its pending value if it has one.
int run_bridge_script(const std::string& interface) {
    const auto i = interface.find('i');
    const auto vmid = number(interface.substr(3, i - 3));
    if (!interface.starts_with("tap") || !vmid) return 1;
    try {
        const Guest guest{Kind::qemu, *vmid};
        const char* migrated_from = std::getenv("PVE_MIGRATED_FROM");
        const auto config = load(guest, migrated_from == nullptr ? "" : migrated_from);
        const auto key = "net" + interface.substr(i + 1);
        std::string why;
        const auto net = parse_net(config.pending.has(key) ? config.pending.get(key) : config.main.get(key), why);
        if (!net) throw CommandError{"unable to get network config '" + key + "'\n"};
        join_bridge(guest, interface, number(interface.substr(i + 1)).value_or(0), *net);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what();
        return 255;
    }
}

}  // namespace fip::sim::pve
