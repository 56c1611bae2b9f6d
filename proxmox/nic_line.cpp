#include "nic_line.hpp"

#include "property_string.hpp"
#include "text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace fip::proxmox {
namespace {

constexpr std::array<std::string_view, 15> models{
    "e1000",    "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551",  "i82557b", "i82559er",
    "ne2k_isa", "ne2k_pci",      "pcnet",         "rtl8139",       "virtio", "vmxnet3", "igb"};

bool has_mac_shape(std::string_view text) {
    if (text.size() != 17) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_right = i % 3 == 2 ? text[i] == ':' : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
        if (!is_right) return false;
    }
    return true;
}

/// The part with the MAC: `virtio=MAC`, also of a model that is newer than we are, `macaddr=MAC`, `hwaddr=MAC`.
std::optional<std::size_t> find_mac(GuestType type, const PropertyString& net) {
    if (type == GuestType::container) return net.find("hwaddr");
    for (std::size_t part = 0; part < net.size(); ++part) {
        const auto key = net.key(part);
        if (key.empty()) continue;
        if (key == "macaddr" || std::ranges::find(models, key) != models.end() || has_mac_shape(net.value(part)))
            return part;
    }
    return {};
}

std::string model_of(GuestType type, const PropertyString& net) {
    if (type == GuestType::container) return "veth";
    if (const auto model = net.value_of("model")) return std::string{*model};
    const auto mac = find_mac(type, net);
    if (mac && net.key(*mac) != "macaddr") return std::string{net.key(*mac)};
    const auto bare = net.find_bare();
    return bare ? std::string{net.value(*bare)} : std::string{};
}

}  // namespace

ConfigNic read_nic(GuestType type, int number, std::string_view net) {
    const PropertyString parts{net};
    const auto mac = find_mac(type, parts);
    return {.number = number,
            .bridge = std::string{parts.value_of("bridge").value_or("")},
            .mac = mac ? Mac::try_parse(parts.value(*mac)) : std::nullopt,
            .model = model_of(type, parts),
            .is_tagged = parts.find("tag").has_value()};
}

std::string with_mac(GuestType type, std::string_view net, const Mac& mac) {
    PropertyString parts{net};
    const auto text = upper(mac.text());
    if (const auto part = find_mac(type, parts)) {
        if (Mac::try_parse(parts.value(*part)) == mac) return std::string{net};
        parts.replace(*part, std::string{parts.key(*part)} + '=' + text);
        return parts.text();
    }
    if (type == GuestType::container) {
        parts.insert(parts.size(), "hwaddr=" + text);
    } else if (const auto model = parts.find("model")) {
        parts.insert(*model + 1, "macaddr=" + text);
    } else if (const auto bare = parts.find_bare()) {
        parts.replace(*bare, std::string{parts.value(*bare)} + '=' + text);
    } else {
        parts.insert(0, "macaddr=" + text);
    }
    return parts.text();
}

}  // namespace fip::proxmox
