#pragma once

#include "simulators/switch/ethernet_switch.hpp"

#include <string>

namespace fip::sim {

/// One line per connection on a Unix socket, one line of JSON back.
class Control {
public:
    /// @throws std::system_error  the socket cannot be made; one that lies there is replaced
    explicit Control(const std::string& path);

    [[nodiscard]] int descriptor() const { return listener_.number(); }
    void answer(EthernetSwitch& fabric);  ///< The next connection. A client has 100 ms to say its line.

private:
    Descriptor listener_;
};
}  // namespace fip::sim
