#include "guard/bridges.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>

namespace fip::guard {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
    std::ifstream in{file};
    std::string line;
    std::getline(in, line);
    return line;
}

std::optional<Mac> current_mac(const fs::path& device) {
    return Mac::try_parse(first_line(device / "address"));
}

bool is_there(const fs::path& file) {
    std::error_code unreadable;  // then it is not there for us
    return fs::exists(file, unreadable);
}

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code gone;  // a device that goes while we look has no more names
    for (fs::directory_iterator entry{folder, gone}, end; !gone && entry != end; entry.increment(gone)) {
        names.push_back(entry->path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_vlan(const fs::path& device) {
    std::ifstream in{device / "uevent"};
    for (std::string line; std::getline(in, line);) {
        if (line == "DEVTYPE=vlan") return true;
    }
    return false;
}

bool is_hardware(const fs::path& device) {
    return is_there(device / "device") || is_there(device / "bonding");
}

// A tap of virtio-less drivers and a guest's veth have no `device`; a VLAN may stand on a VLAN.
bool is_uplink(const fs::path& net, const std::string& name, int depth = 0) {
    constexpr int deepest = 4;
    const auto device = net / name;
    if (is_hardware(device)) return true;
    if (depth == deepest || !is_vlan(device)) return false;
    constexpr std::string_view prefix = "lower_";
    for (const auto& entry : names_in(device)) {
        if (entry.starts_with(prefix) && is_uplink(net, entry.substr(prefix.size()), depth + 1)) return true;
    }
    return false;
}

// Of the kernel, not of the tree below `sys`: a device of this name must be in both.
std::optional<Mac> permanent_mac(const std::string& name) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return {};
    // The head says how long the address may be, and then how long it is; the address follows.
    struct Answer {
        __u32 command = ETHTOOL_GPERMADDR;
        __u32 size = 32;
        std::array<unsigned char, 32> bytes{};
    } answer;
    static_assert(offsetof(Answer, bytes) == sizeof(ethtool_perm_addr));
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&answer);
    const int result = ::ioctl(socket, SIOCETHTOOL, &request);
    ::close(socket);
    if (result != 0 || answer.size != 6) return {};
    std::string text;
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < 6; ++i) {
        if (i > 0) text += ':';
        text += digits[answer.bytes[i] >> 4];
        text += digits[answer.bytes[i] & 15];
    }
    return Mac::try_parse(text);  // all zero: the device has none
}

}  // namespace

std::vector<BridgeView> read_bridges(const fs::path& sys, const std::vector<std::string>& names) {
    const auto net = sys / "class/net";
    const bool is_real = sys == "/sys";
    const std::set<std::string> sorted{names.begin(), names.end()};
    std::vector<BridgeView> bridges;
    for (const auto& name : sorted) {
        if (name.empty() || name.find('/') != std::string::npos || !is_there(net / name / "bridge")) continue;
        BridgeView bridge{name, current_mac(net / name), {}};
        for (const auto& port : names_in(net / name / "brif")) {
            auto mac = is_real ? permanent_mac(port) : std::optional<Mac>{};
            if (!mac) mac = current_mac(net / port);
            bridge.ports.push_back({port, is_uplink(net, port), mac});
        }
        bridges.push_back(std::move(bridge));
    }
    return bridges;
}

}  // namespace fip::guard
