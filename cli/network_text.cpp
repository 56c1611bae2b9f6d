#include "network_text.hpp"

#include <fmt/format.h>

namespace fip::cli {
namespace {

constexpr auto placeholder = "GATEWAY";  // no valid address: pasted as it is, it is refused rather than wrong

std::string gateway_of(const GuestNetwork& nic) {
    return nic.gateway ? nic.gateway->text() : placeholder;
}

std::string gateway_note(const GuestNetwork& nic, std::string_view indent) {
    if (nic.gateway) return "";
    return fmt::format("{}# GATEWAY: the one that your provider gives for {}\n", indent, nic.addresses.front().text());
}

std::string netplan_nic(const GuestNetwork& nic, std::size_t number) {
    auto text = fmt::format("    public{}:\n", number);
    if (nic.mac) text += fmt::format("      match: {{macaddress: \"{}\"}}\n", nic.mac->text());
    text += "      addresses:\n";
    for (const auto& address : nic.addresses) text += fmt::format("        - {}/{}\n", address.text(), address.bits());
    // A second default route would only compete with the first.
    if (number == 0) {
        text += "      routes:\n" + gateway_note(nic, "        ");
        text += fmt::format("        - {{to: default, via: \"{}\", on-link: true}}\n", gateway_of(nic));
    }
    return text;
}

std::string ifupdown_first(const GuestNetwork& nic, std::string_view device, bool is_default) {
    const auto& address = nic.addresses.front();
    auto text = fmt::format("auto {0}\niface {0} {1} static\n", device, address.is_v4() ? "inet" : "inet6");
    text += fmt::format("    address {}/{}\n", address.text(), address.bits());
    if (!is_default) return text;
    text += gateway_note(nic, "    ");
    if (address.is_v4()) {
        text += fmt::format("    pointopoint {0}\n    gateway {0}\n", gateway_of(nic));
    } else {
        text +=
            fmt::format("    up ip -6 route add {0} dev $IFACE\n    up ip -6 route add default via {0} dev $IFACE\n",
                        gateway_of(nic));
    }
    return text;
}

}  // namespace

std::string netplan_text(const std::vector<GuestNetwork>& nics) {
    std::string text = "network:\n  version: 2\n  ethernets:\n";
    for (std::size_t i = 0; i < nics.size(); ++i) text += netplan_nic(nics[i], i);
    return text;
}

std::string ifupdown_text(const std::vector<GuestNetwork>& nics) {
    std::string text;
    for (std::size_t i = 0; i < nics.size(); ++i) {
        const auto& nic = nics[i];
        const auto device = fmt::format("ens{}", i + 3);
        if (nic.mac)
            text += fmt::format("# {}: the device with the MAC {}, see `ip -br link`\n", device, nic.mac->text());
        text += ifupdown_first(nic, device, i == 0);
        for (std::size_t k = 1; k < nic.addresses.size(); ++k) {
            text +=
                fmt::format("    up ip addr add {}/{} dev $IFACE\n", nic.addresses[k].text(), nic.addresses[k].bits());
        }
    }
    return text;
}

}  // namespace fip::cli
