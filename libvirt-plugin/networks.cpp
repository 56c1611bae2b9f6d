#include "networks.hpp"

#include "connection.hpp"
#include "ports/guest_source.hpp"

#include <libvirt/virterror.h>

#include <string_view>

namespace fip::plugin {
namespace {

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// In libvirt's own output attributes stand in single quotes and text is escaped, so what is found is an element.
std::string attribute_of(std::string_view xml, std::string_view element_and_attribute) {
    const auto begin = xml.find(element_and_attribute);
    if (begin == xml.npos) return {};
    const auto rest = xml.substr(begin + element_and_attribute.size());
    return std::string{rest.substr(0, rest.find('\''))};
}

// <forward dev='br0' mode='bridge'>: the guests' devices sit directly on that one.
std::string device_of(std::string_view xml) {
    return has(xml, "mode='bridge'") ? attribute_of(xml, "<forward dev='") : std::string{};
}

}  // namespace

Networks::Answer Networks::ask(const std::string& name) const {
    Answer answer;
    const NetworkHandle network{virNetworkLookupByName(connect_, name.c_str())};
    const TextHandle xml{network ? virNetworkGetXMLDesc(network.get(), VIR_NETWORK_XML_INACTIVE) : nullptr};
    if (!xml) {
        if (libvirt_error_code() == VIR_ERR_NO_NETWORK) return answer;
        const auto problem = "the network \"" + name + "\" cannot be read: " + libvirt_problem();
        if (virConnectIsAlive(connect_) != 1) throw GuestsUnavailable{problem};
        answer.problem = problem;
        return answer;
    }
    if (const TextHandle bridge{virNetworkGetBridgeName(network.get())}; bridge) answer.bridge = bridge.get();
    if (answer.bridge.empty()) answer.bridge = device_of(xml.get());
    answer.is_tagged = has(xml.get(), "<vlan>") || has(xml.get(), "<vlan ") || has(xml.get(), "type='openvswitch'");
    return answer;
}

void Networks::resolve(Nic& nic, std::string& problem) {
    if (nic.type != NicType::network || nic.network.empty()) return;
    auto known = answers_.find(nic.network);
    if (known == answers_.end()) known = answers_.emplace(nic.network, ask(nic.network)).first;
    if (nic.bridge.empty()) nic.bridge = known->second.bridge;
    nic.is_tagged = nic.is_tagged || known->second.is_tagged;
    if (problem.empty()) problem = known->second.problem;
}

void Networks::resolve(Guest& guest) {
    for (auto& nic : guest.nics) resolve(nic, guest.problem);
    for (auto& nic : guest.live_nics) resolve(nic, guest.problem);
}

}  // namespace fip::plugin
