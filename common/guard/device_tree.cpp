#include "guard/device_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <system_error>

namespace fip::guard {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
    std::error_code unreadable;  // then it is not there for us
    return fs::exists(path, unreadable);
}

// <linux/if_bridge.h>'s __fdb_entry, which is no C++ there.
struct Learned {
    std::array<std::uint8_t, 6> mac;
    std::uint8_t port_low;
    std::uint8_t is_local;
    std::uint32_t age;
    std::uint8_t port_high;
    std::array<std::uint8_t, 3> unused;
};
static_assert(sizeof(Learned) == 16);

}  // namespace

std::string DeviceTree::line(const std::string& device, const char* file) const {
    std::ifstream in{net_ / device / file};
    std::string text;
    std::getline(in, text);
    return text;
}

std::vector<std::string> DeviceTree::names(const fs::path& folder) {
    std::vector<std::string> all;
    std::error_code gone;
    for (fs::directory_iterator at{folder, gone}, end; !gone && at != end; at.increment(gone)) {
        all.push_back(at->path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<std::string> DeviceTree::lower(const std::string& device) const {
    constexpr std::string_view prefix = "lower_";
    std::vector<std::string> all;
    for (const auto& name : names(net_ / device)) {
        if (name.starts_with(prefix)) all.push_back(name.substr(prefix.size()));
    }
    return all;
}

std::set<std::string> DeviceTree::below(const std::string& device) const {
    std::set<std::string> all;
    std::vector<std::string> open{device};
    while (!open.empty()) {
        const auto next = lower(open.back());
        open.pop_back();
        for (const auto& name : next) {
            if (all.insert(name).second) open.push_back(name);
        }
    }
    return all;
}

bool DeviceTree::is_bridge(const std::string& device) const {
    return is_there(net_ / device / "bridge");
}

bool DeviceTree::is_uplink(const std::string& device) const {
    return is_uplink(device, 0);
}

// A guest's tap or veth has no `device`; a VLAN may stand on a VLAN.
bool DeviceTree::is_uplink(const std::string& device, int depth) const {
    constexpr int deepest = 4;
    if (is_there(net_ / device / "device") || is_there(net_ / device / "bonding")) return true;
    if (depth == deepest || kind(device) != "vlan") return false;
    const auto below = lower(device);
    return std::any_of(below.begin(), below.end(), [&](const std::string& name) { return is_uplink(name, depth + 1); });
}

std::vector<std::string> DeviceTree::ports(const std::string& bridge) const {
    return names(net_ / bridge / "brif");
}

std::optional<Mac> DeviceTree::mac(const std::string& device) const {
    return Mac::try_parse(line(device, "address"));
}

bool DeviceTree::is_tap(const std::string& device) const {
    return is_there(net_ / device / "tun_flags");
}

bool DeviceTree::is_macvtap(const std::string& device) const {
    return is_there(net_ / device / "macvtap");
}

std::string DeviceTree::kind(const std::string& device) const {
    constexpr std::string_view mark = "DEVTYPE=";
    std::ifstream in{net_ / device / "uevent"};
    for (std::string text; std::getline(in, text);) {
        if (text.starts_with(mark)) return text.substr(mark.size());
    }
    const auto below = lower(device);
    return below.empty() ? std::string{} : "on " + below.front();
}

std::string DeviceTree::bridge(const std::string& port) const {
    std::error_code none;  // it is no port
    return fs::read_symlink(net_ / port / "brport/bridge", none).filename();
}

std::string DeviceTree::number(const std::string& device) const {
    return line(device, "ifindex");
}

// The other end of a veth is no lower device, wherever it is.
bool DeviceTree::has_other_end(const std::string& device) const {
    const auto other = line(device, "iflink");
    return !other.empty() && other != "0" && other != number(device) && kind(device).empty();
}

std::string DeviceTree::other_end(const std::string& device) const {
    const auto self = number(device);
    const auto other = line(device, "iflink");
    for (const auto& name : names(net_)) {
        if (name != device && number(name) == other && line(name, "iflink") == self) return name;
    }
    return {};
}

std::vector<std::string> DeviceTree::wearing(const Mac& mac) const {
    std::vector<std::string> all;
    for (const auto& name : names(net_)) {
        if (this->mac(name) == mac) all.push_back(name);
    }
    return all;
}

std::string DeviceTree::learned_port(const std::string& bridge, const Mac& mac) const {
    constexpr int most = 65536;
    std::ifstream in{net_ / bridge / "brforward", std::ios::binary};
    Learned entry{};
    int port = 0;
    for (int i = 0; i < most && in.read(reinterpret_cast<char*>(&entry), sizeof entry); ++i) {
        if (entry.mac == mac.bytes() && entry.is_local == 0) port = entry.port_high << 8 | entry.port_low;
    }
    if (port == 0) return {};
    for (const auto& name : ports(bridge)) {
        const auto text = line(name, "brport/port_no");  // "0x2"
        int number = 0;
        if (text.size() > 2) std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
        if (number == port) return name;
    }
    return {};
}

}  // namespace fip::guard
