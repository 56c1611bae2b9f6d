#pragma once

#include "core/address.hpp"
#include "simulators/switch/frame.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace fip::sim {

using Moment = std::chrono::system_clock::time_point;

/// Which MACs the provider has registered for which server, and for which addresses.
///
/// Read from the state file of failover-ip-sim-online. That file is there before the API's reply is, and it is renamed
/// into place: who refresh()es after a frame has arrived judges it by an account that is no older than the frame.
class Registrations {
public:
    explicit Registrations(std::string state_file) : file_{std::move(state_file)} {}

    /// Reads the file if it is another one than last time. Unreadable: what was known stays, and error() says why.
    void refresh();

    /// A MAC deleted before `arrived` may not. The file's time is as coarse as the kernel's tick: within one tick after
    /// the deletion a frame has the benefit of the doubt.
    [[nodiscard]] bool may_send(const Address& server, const EthernetAddress& mac, Moment arrived) const;
    [[nodiscard]] bool owns(const Address& server, const EthernetAddress& mac, const Ipv4& address) const;
    /// What the host itself may use: the server's own address, and failover IPs that no virtual MAC has.
    [[nodiscard]] bool host_owns(const Address& server, const Ipv4& address) const;
    [[nodiscard]] const Address* server_of(const EthernetAddress& mac) const;

    [[nodiscard]] std::size_t count() const { return table_.servers.size(); }
    [[nodiscard]] std::uint64_t reads() const { return reads_; }
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    using Sender = std::pair<Address, EthernetAddress>;
    struct Table {
        std::map<Sender, std::set<Ipv4>> addresses;
        std::map<Address, std::set<Ipv4>> of_hosts;
        std::map<EthernetAddress, Address> servers;
    };

    [[nodiscard]] static Table parse(const std::string& text);
    void replace(Table next, Moment changed);

    std::string file_;
    struct stat seen_ {};
    Table table_;
    std::map<Sender, Moment> deleted_;
    std::uint64_t reads_ = 0;
    std::string error_;
};
}  // namespace fip::sim
