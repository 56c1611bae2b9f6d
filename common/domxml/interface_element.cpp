#include "domxml/interface_element.hpp"

#include "core/errors.hpp"
#include "domxml/read_domain.hpp"
#include "domxml/xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace fip::domxml {
namespace {

xmlNode* find_interface(const xmlNode* domain, std::size_t index) {
    for (auto* devices = domain->children; devices != nullptr; devices = devices->next) {
        if (!is_element(devices, "", "devices")) continue;
        for (auto* node = devices->children; node != nullptr; node = node->next) {
            if (is_element(node, "", "interface") && index-- == 0) return node;
        }
    }
    return nullptr;
}

void remove_attribute(xmlNode* node, const char* name) {
    if (auto* const found = xmlHasProp(node, to_xml(name))) xmlRemoveProp(found);
}

/// libvirt shows what a network became: type and source of that, and a port that the network keeps for this device.
void restore_network(xmlNode* interface) {
    auto* const source = child(interface, "source");
    if (source == nullptr || attribute(source, "network").empty()) return;
    set_attribute(interface, "type", "network");
    for (const char* const name : {"portid", "bridge", "dev", "mode"}) remove_attribute(source, name);
}

/// Names that libvirt gives by itself, and does not take from anybody.
bool is_made_up(std::string_view device) {
    constexpr std::array<std::string_view, 4> prefixes{"vnet", "macvtap", "macvlan", "vif"};
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return device.starts_with(prefix); });
}

void remove_made_up_names(xmlNode* interface) {
    auto* const alias = child(interface, "alias");
    if (alias != nullptr && !attribute(alias, "name").starts_with("ua-")) erase(alias);
    auto* const target = child(interface, "target");
    if (target == nullptr) return;
    if (is_made_up(attribute(target, "dev"))) remove_attribute(target, "dev");
    if (target->properties == nullptr) erase(target);
}

}  // namespace

std::string interface_with_mac(const std::string& live_xml, const Nic& nic, const Mac& mac) {
    const auto nics = read_domain(live_xml).guest.nics;
    const auto found = std::ranges::find(nics, nic.index, &Nic::index);
    if (found == nics.end() || found->mac != nic.mac || found->place != nic.place) {
        throw InputError{fmt::format("domain XML: interface {} is another one now", nic.index)};
    }
    const auto document = parse(live_xml);
    auto* const interface = find_interface(xmlDocGetRootElement(document.get()), nic.index);
    auto* const address = interface == nullptr ? nullptr : child(interface, "mac");
    if (address == nullptr) throw InputError{"domain XML: two readers see different interfaces"};
    set_attribute(address, "address", mac.text());
    restore_network(interface);
    remove_made_up_names(interface);
    return text_of(interface);
}

}  // namespace fip::domxml
