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

// A gateway is of one family, the first address's.
bool has_gateway(const GuestNetwork& nic, const Address& address) {
    return address.is_v4() == nic.addresses.front().is_v4();
}

// Replies leave by the NIC whose address they bear: the guard stops them elsewhere. The first NIC's routes are
// everybody's.
int table_of(std::size_t number) {
    return 100 + static_cast<int>(number);
}

std::string netplan_nic(const GuestNetwork& nic, std::size_t number) {
    auto text = fmt::format("    public{}:\n", number);
    if (nic.mac) text += fmt::format("      match: {{macaddress: \"{}\"}}\n", nic.mac->text());
    text += "      addresses:\n";
    for (const auto& address : nic.addresses) text += fmt::format("        - {}/{}\n", address.text(), address.bits());
    const auto table = number == 0 ? std::string{} : fmt::format(", table: {}", table_of(number));
    text += "      routes:\n" + gateway_note(nic, "        ");
    text += fmt::format("        - {{to: default, via: \"{}\", on-link: true{}}}\n", gateway_of(nic), table);
    if (number == 0) return text;
    text += "      routing-policy:\n";
    for (const auto& address : nic.addresses) {
        if (!has_gateway(nic, address)) continue;
        text += fmt::format("        - {{from: \"{}\"{}}}\n", address.text(), table);
    }
    return text;
}

std::string ifupdown_other_routes(const GuestNetwork& nic, std::size_t number) {
    auto text = gateway_note(nic, "    ");
    const auto table = table_of(number);
    const auto* family = nic.addresses.front().is_v4() ? "-4" : "-6";
    text += fmt::format("    up ip {} route replace default via {} dev $IFACE onlink table {}\n", family,
                        gateway_of(nic), table);
    for (const auto& address : nic.addresses) {
        if (!has_gateway(nic, address)) continue;
        const auto rule = fmt::format("from {} table {}", address.text(), table);
        text += fmt::format("    up ip {0} rule add {1} || true\n    down ip {0} rule del {1} || true\n", family, rule);
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
        if (i > 0) text += ifupdown_other_routes(nic, i);
    }
    return text;
}

}  // namespace fip::cli
