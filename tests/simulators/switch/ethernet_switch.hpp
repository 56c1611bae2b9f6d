#pragma once

#include "simulators/switch/port.hpp"
#include "simulators/switch/registrations.hpp"

#include <boost/json.hpp>

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace fip::sim {

/// The provider's switch: one port per server, one to the gateway. The first frame from a server with a source MAC that
/// is neither the server's own nor registered for it closes that port, in both directions, until somebody opens it.
class EthernetSwitch {
public:
    explicit EthernetSwitch(std::string state_file) : registrations_{std::move(state_file)} {}

    /// A port of that name that was there before is unplugged.
    void plug(PortPlan plan);
    void open(std::string_view name);  ///< @throws InputError  no such port
    void reset();                      ///< Opens every port, forgets what was counted and learned.

    /// For a change that no frame has brought up: who deletes a MAC that was never seen registered was too fast for us.
    void refresh() { registrations_.refresh(); }

    /// Carries on everything that waits at the port, at most a few hundred frames.
    void serve(Port& port);

    [[nodiscard]] boost::json::object status();
    [[nodiscard]] std::deque<Port>& ports() { return ports_; }

private:
    void take(Port& in, const Port::Received& received);
    [[nodiscard]] bool is_admitted(Port& in, const FrameFacts& facts, const Port::Received& received);
    void check_claim(Port& in, const FrameFacts& facts, const Port::Received& received);
    void forward(Port& in, const FrameFacts& facts, const Port::Received& received);
    [[nodiscard]] Port* find_port_of(const EthernetAddress& mac);
    static void hand_over(Port& out, const Port::Received& received);

    Registrations registrations_;
    std::deque<Port> ports_;
    std::map<EthernetAddress, std::string> learned_;  // behind the gateway's port: MAC to port's name
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(128U << 10U);
};
}  // namespace fip::sim
