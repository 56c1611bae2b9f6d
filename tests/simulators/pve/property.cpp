#include "simulators/pve/property.hpp"

#include "simulators/pve/text.hpp"

#include <regex>
#include <set>

namespace fip::sim::pve {
namespace {

const std::set<std::string> models{"e1000",  "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e",
                                   "i82551", "i82557b",       "i82559er",      "ne2k_isa",      "ne2k_pci",
                                   "pcnet",  "rtl8139",       "virtio",        "vmxnet3"};

const std::set<std::string> net_keys{"model",  "macaddr", "bridge", "firewall", "link_down",  "mtu",
                                     "queues", "rate",    "tag",    "trunks",   "host-tunnel"};

constexpr auto bad_mac =
    "invalid format - format error\nnet0.macaddr: invalid format - value does not look like a valid unicast MAC "
    "address\n";

}  // namespace

std::optional<Properties> parse_net(const std::string& value, std::string& why) {
    Properties net;
    for (const auto& part : split(value, ',')) {
        const auto equals = part.find('=');
        const auto key = part.substr(0, equals);
        if (models.contains(key)) {
            net["model"] = key;
            if (equals != part.npos) net["macaddr"] = part.substr(equals + 1);
        } else if (equals != part.npos && net_keys.contains(key)) {
            net[key] = part.substr(equals + 1);
        } else {
            why = "invalid format - format error\nnet0." + key +
                  ": property is not defined in schema and the schema does not "
                  "allow additional properties\n";
            return std::nullopt;
        }
    }
    if (!net.contains("model")) {
        why = "invalid format - format error\nnet0.model: property is missing and it is not optional\n";
        return std::nullopt;
    }
    if (net.contains("macaddr") && !is_unicast_mac(net["macaddr"])) {
        why = bad_mac;
        return std::nullopt;
    }
    return net;
}

std::string print_net(const Properties& net) {
    auto text = net.at("model");
    if (const auto mac = net.find("macaddr"); mac != net.end()) text += "=" + mac->second;
    for (const auto& [key, value] : net) {
        if (key != "model" && key != "macaddr") text += "," + key + "=" + value;
    }
    return text;
}

Properties parse_pairs(const std::string& value) {
    Properties pairs;
    for (const auto& part : split(value, ',')) {
        const auto equals = part.find('=');
        if (equals != part.npos) pairs[part.substr(0, equals)] = part.substr(equals + 1);
    }
    return pairs;
}

std::string print_pairs(const Properties& pairs, const std::string& first) {
    std::string text;
    if (const auto head = pairs.find(first); head != pairs.end()) text = first + "=" + head->second;
    for (const auto& [key, value] : pairs) {
        if (key != first) text += (text.empty() ? "" : ",") + key + "=" + value;
    }
    return text;
}

bool is_unicast_mac(const std::string& text) {
    static const std::regex pattern{"[0-9a-f][02468ace](:[0-9a-f]{2}){5}", std::regex::icase};
    return std::regex_match(text, pattern);
}

bool is_net(const std::string& key) {
    if (!key.starts_with("net")) return false;
    const auto index = number(key.substr(3));
    return index && *index < 32;
}

}  // namespace fip::sim::pve
