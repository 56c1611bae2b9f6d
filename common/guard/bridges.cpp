#include "guard/bridges.hpp"

#include "guard/device_tree.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace fip::guard {
namespace {

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

std::vector<BridgeView> read_bridges(const std::filesystem::path& sys, const std::vector<std::string>& names) {
    const DeviceTree devices{sys};
    const bool is_real = sys == "/sys";
    const std::set<std::string> sorted{names.begin(), names.end()};
    std::vector<BridgeView> bridges;
    for (const auto& name : sorted) {
        if (name.empty() || name.find('/') != std::string::npos || !devices.is_bridge(name)) continue;
        BridgeView bridge{name, devices.mac(name), {}};
        for (const auto& port : devices.ports(name)) {
            auto mac = is_real ? permanent_mac(port) : std::optional<Mac>{};
            if (!mac) mac = devices.mac(port);
            const bool stands_on_others = devices.is_uplink(port) || devices.kind(port) == "vlan";
            bridge.ports.push_back(
                {port, devices.is_uplink(port), mac, stands_on_others ? devices.below(port) : std::set<std::string>{}});
        }
        bridges.push_back(std::move(bridge));
    }
    return bridges;
}

}  // namespace fip::guard
