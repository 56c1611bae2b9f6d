#pragma once

#include "core/guest.hpp"
#include "handles.hpp"

#include <map>
#include <string>

namespace fip::plugin {

/// Which bridge a libvirt network stands for. One object per listing or look: what it has asked once it does not ask
/// again.
class Networks {
public:
    explicit Networks(virConnectPtr connect) : connect_{connect} {}

    /// Fill in Nic::bridge of NICs on a network. A network with VLAN tags or on Open vSwitch makes them tagged; one
    /// that could not be asked for is the guest's problem, so that nothing is decided about it; one that is not there
    /// is not.
    /// @throws GuestsUnavailable  libvirt went away
    void resolve(Guest& guest);

private:
    struct Answer {
        std::string bridge;
        bool is_tagged = false;
        std::string problem;
    };
    void resolve(Nic& nic, std::string& problem);
    [[nodiscard]] Answer ask(const std::string& name) const;

    virConnectPtr connect_;
    std::map<std::string, Answer> answers_;
};

}  // namespace fip::plugin
