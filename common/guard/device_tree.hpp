#pragma once

#include "core/mac.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip::guard {

/// What /sys says about the devices of our network namespace. A device that goes while it is looked at has nothing.
class DeviceTree {
public:
    explicit DeviceTree(const std::filesystem::path& sys) : net_{sys / "class/net"} {}

    [[nodiscard]] bool is_bridge(const std::string& device) const;
    /// A network card, a bond, or a VLAN on either.
    [[nodiscard]] bool is_uplink(const std::string& device) const;
    /// What it stands on, and what that stands on.
    [[nodiscard]] std::set<std::string> below(const std::string& device) const;
    [[nodiscard]] std::vector<std::string> ports(const std::string& bridge) const;  ///< In order.
    [[nodiscard]] std::optional<Mac> mac(const std::string& device) const;          ///< That it wears now.
    [[nodiscard]] bool is_tap(const std::string& device) const;
    [[nodiscard]] bool is_macvtap(const std::string& device) const;
    /// "vxlan", or "on br0" where the kernel says only that; empty: it says nothing.
    [[nodiscard]] std::string kind(const std::string& device) const;
    [[nodiscard]] std::string bridge(const std::string& port) const;       ///< Empty: it is no port.
    [[nodiscard]] std::string number(const std::string& device) const;     ///< Its index.
    [[nodiscard]] bool has_other_end(const std::string& device) const;     ///< A veth, here or in another namespace.
    [[nodiscard]] std::string other_end(const std::string& device) const;  ///< Empty: not in this namespace.
    [[nodiscard]] std::vector<std::string> wearing(const Mac& mac) const;
    [[nodiscard]] std::string learned_port(const std::string& bridge, const Mac& mac) const;  ///< By the bridge's FDB.

private:
    [[nodiscard]] std::string line(const std::string& device, const char* file) const;
    [[nodiscard]] static std::vector<std::string> names(const std::filesystem::path& folder);
    [[nodiscard]] std::vector<std::string> lower(const std::string& device) const;  ///< What it stands on.
    [[nodiscard]] bool is_uplink(const std::string& device, int depth) const;

    std::filesystem::path net_;
};

}  // namespace fip::guard
