#pragma once

#include "cli_host.hpp"

#include <string>

namespace fip::test {

/// A network of its own for a CliHost, with bridges whose uplinks are veth pairs:
///
///     br0 ── up0 ── far-up0 (the provider's switch)
///
/// What the host runs from now on runs in it. It ends with the object.
class HostNetwork {
public:
    explicit HostNetwork(const CliHost& host);
    ~HostNetwork();
    HostNetwork(const HostNetwork&) = delete;
    HostNetwork& operator=(const HostNetwork&) = delete;

    void ip(const std::string& arguments) const;  ///< Words, separated by spaces.
    [[nodiscard]] Result nft(std::vector<std::string> arguments) const;
    /// A second one, as br0 is: "br1", "up1".
    void add_bridge(const std::string& bridge, const std::string& uplink) const;

private:
    const CliHost& host_;
    Process holder_;
};

inline constexpr auto host_mac = "02:00:00:00:00:01";

}  // namespace fip::test
