#include "guard/sender_name.hpp"

#include "guard/command_line.hpp"
#include "guard/device_tree.hpp"
#include "guard/net_namespaces.hpp"
#include "guard/process_tree.hpp"

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

namespace fip::guard {
namespace {

constexpr std::chrono::milliseconds longest_search{50};
constexpr int most_bridges = 3;  // one behind the other, as Proxmox's firewall has them

std::string_view program_of(const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const std::string_view path = words.front();
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

class Search {
public:
    explicit Search(const HostFolders& folders)
        : folders_{folders}, devices_{folders.sys}, processes_{folders.proc, longest_search} {}

    [[nodiscard]] SenderName by_port(const std::string& port, const Mac& mac, int bridges = 0) const {
        if (devices_.is_tap(port)) return by_tap(port);
        if (!devices_.has_other_end(port)) return {"port", port, devices_.kind(port)};
        const auto peer = devices_.other_end(port);
        if (!peer.empty()) return by_peer(port, peer, mac, bridges);
        const auto all = other_namespaces(processes_, folders_.run);
        const auto* there = peer_namespace(all, port);
        return there != nullptr ? by_namespace(*there, port) : SenderName{"port", port, "veth into another namespace"};
    }

    // Not from a port: from the bridge's device, or (raw) on the uplink itself.
    [[nodiscard]] SenderName by_host(const Sender& sender) const {
        const auto bridge = devices_.bridge(sender.uplink);
        const auto wearing = devices_.wearing(sender.mac);
        for (const auto& device : wearing) {
            if (devices_.is_macvtap(device)) return by_macvtap(device);
        }
        if (!wearing.empty()) return {"host", wearing.front(), devices_.kind(wearing.front())};
        const auto all = other_namespaces(processes_, folders_.run);
        if (const auto* there = namespace_wearing(all, sender.mac)) return by_namespace(*there, "");
        const auto& device = sender.is_raw || bridge.empty() ? sender.uplink : bridge;
        if (auto process = by_raw_socket(device)) return *process;
        const auto port = bridge.empty() ? std::string{} : devices_.learned_port(bridge, sender.mac);
        if (!port.empty() && port != sender.uplink) return by_port(port, sender.mac);
        return {"host", "", "sent on " + device};
    }

private:
    // The other end is here too: a port of a second bridge, which knows where the MAC came from.
    [[nodiscard]] SenderName by_peer(const std::string& port, const std::string& peer, const Mac& mac,
                                     int bridges) const {
        const auto behind = devices_.bridge(peer);
        const auto next = behind.empty() ? std::string{} : devices_.learned_port(behind, mac);
        if (!next.empty() && next != peer && bridges < most_bridges) return by_port(next, mac, bridges + 1);
        if (behind.empty()) {
            if (auto process = by_raw_socket(peer)) return *process;
        }
        return {"port", port, "its other end is " + (behind.empty() ? peer : "on " + behind)};
    }

    [[nodiscard]] SenderName by_tap(const std::string& tap) const {
        const auto mark = "\niff:\t" + tap + "\n";
        const auto holds = [&](const ProcessTree::OpenFile& one, std::string_view target) {
            if (!target.ends_with("/net/tun")) return false;
            const auto text = processes_.text(one.process, ("fdinfo/" + one.number).c_str());
            return ("\n" + text).find(mark) != std::string::npos;
        };
        const auto file = processes_.find_file(ProcessTree::Order::qemu_first, holds);
        return file ? by_file(*file, tap) : SenderName{"port", tap, "tap that no process holds"};
    }

    [[nodiscard]] SenderName by_macvtap(const std::string& device) const {
        const auto wanted = "/tap" + devices_.number(device);
        const auto holds = [&](const ProcessTree::OpenFile&, std::string_view target) {
            return target.ends_with(wanted);
        };
        const auto file = processes_.find_file(ProcessTree::Order::qemu_first, holds);
        return file ? by_file(*file, device) : SenderName{"host", device, "macvtap that no process holds"};
    }

    [[nodiscard]] SenderName by_file(const ProcessTree::OpenFile& file, const std::string& device) const {
        const auto words = processes_.words(file.process);
        const auto guest = qemu_guest(words);
        if (!guest) return by_process(file.process, device);
        const auto nic = qemu_nic(words, device, file.number);
        const auto name = guest->empty() ? "pid " + file.process : *guest;
        return {"guest", name, nic.empty() ? device : nic};
    }

    [[nodiscard]] SenderName by_process(const ProcessTree::Process& process, const std::string& device) const {
        return {"process", processes_.command(process),
                "pid " + process + (device.empty() ? std::string{} : ", " + device)};
    }

    // Of a container by what runs it; else the namespace's own name; else a process in it.
    [[nodiscard]] SenderName by_namespace(const NetNamespace& one, const std::string& port) const {
        if (!one.process.empty()) {
            if (auto container = container_with(one.process)) {
                return {"container", container->name, container->by + (port.empty() ? "" : ", " + port)};
            }
            if (one.name.empty()) return by_process(one.process, port);
        }
        return {"namespace", one.name, port};
    }

    [[nodiscard]] std::optional<ContainerName> container_with(const ProcessTree::Process& first) const {
        if (auto named = container_of(processes_.text(first, "cgroup"))) return named;
        constexpr int deepest = 4;
        auto process = first;
        for (int i = 0; i < deepest && !process.empty() && process != "0" && process != "1"; ++i) {
            const auto words = processes_.words(process);
            const auto program = program_of(words);
            if (program == "libvirt_lxc") {
                if (const auto name = option_value(words, "--name")) return ContainerName{*name, "libvirt"};
            }
            if (program == "lxc-start") {
                if (const auto name = option_value(words, "-n")) return ContainerName{*name, "lxc"};
            }
            process = processes_.parent(process);
        }
        return {};
    }

    // /proc/net/packet: "sk RefCnt Type Proto Iface R Rmem User Inode"; Iface 0: every device.
    [[nodiscard]] std::optional<SenderName> by_raw_socket(const std::string& device) const {
        std::ifstream in{folders_.proc / "self/net/packet"};
        std::string line;
        std::getline(in, line);
        std::set<std::string> on_device;
        const auto wanted = devices_.number(device);
        if (wanted.empty()) return {};
        constexpr std::size_t most = 4096;
        while (on_device.size() < most && std::getline(in, line)) {
            std::istringstream words{line};
            std::string socket, references, type, protocol, number, running, memory, user, inode;
            words >> socket >> references >> type >> protocol >> number >> running >> memory >> user >> inode;
            if (number == wanted) on_device.insert("socket:[" + inode + "]");
        }
        if (on_device.empty()) return {};
        const auto holds = [&](const ProcessTree::OpenFile&, std::string_view target) {
            return target.starts_with("socket:[") && on_device.contains(std::string{target});
        };
        const auto file = processes_.find_file(ProcessTree::Order::any, holds);
        if (!file) return {};
        auto name = by_process(file->process, "raw socket on " + device);
        if (on_device.size() > 1) name.detail += ", the first of " + std::to_string(on_device.size());
        return name;
    }

    const HostFolders& folders_;
    DeviceTree devices_;
    ProcessTree processes_;
};

}  // namespace

SenderName name_sender(const Sender& sender, const HostFolders& folders) {
    const Search search{folders};
    if (!sender.port.empty()) return search.by_port(sender.port, sender.mac);
    return search.by_host(sender);
}

}  // namespace fip::guard
