#include "appearance.hpp"

#include "description.hpp"
#include "property_string.hpp"
#include "text.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace fip::proxmox {
namespace {

const ShownNic* find_nic(const Appearance& wanted, int number) {
    const auto found = std::ranges::find(wanted.nics, number, &ShownNic::number);
    return found == wanted.nics.end() ? nullptr : &*found;
}

/// The one that goes into `ip=`.
std::optional<Address> first_v4(const ShownNic& nic) {
    const auto found = std::ranges::find_if(nic.addresses, &Address::is_v4);
    return found == nic.addresses.end() ? std::nullopt : std::optional{*found};
}

/// 203.0.113.5 of "203.0.113.5/32".
std::optional<Address> address_of(std::string_view ip) {
    return Address::try_parse(ip.substr(0, ip.find('/')));
}

/// Give `ip=` and `gw=` these values where they stand, or at the front.
void set_ip(PropertyString& parts, std::size_t new_place, const std::string& ip,
            const std::optional<Address>& gateway) {
    const auto at = parts.find("ip");
    const auto place = at.value_or(std::min(new_place, parts.size()));
    if (at) {
        parts.replace(*at, "ip=" + ip);
    } else {
        parts.insert(place, "ip=" + ip);
    }
    if (!gateway) return parts.erase("gw");
    const auto gw = parts.find("gw");
    if (gw) {
        parts.replace(*gw, "gw=" + gateway->text());
    } else {
        parts.insert(place + 1, "gw=" + gateway->text());
    }
}

/// What `ip=` of a NIC should become.
class IpRule {
public:
    IpRule(const Appearance& wanted, const ShownNic* nic)
        : wanted_{wanted}, nic_{nic}, address_{nic != nullptr ? first_v4(*nic) : std::nullopt} {}

    /// A copy's address, or one that the NIC had: it must not stay.
    [[nodiscard]] bool is_stale(std::string_view ip) const {
        const auto address = address_of(ip);
        return address && wanted_.is_ours && wanted_.is_ours(*address) && !is_own(*address);
    }

    /// `ip` or `gw` of a NIC with an address are not as they should be.
    [[nodiscard]] bool must_set(const PropertyString& parts, bool may_add) const {
        if (!address_) return false;
        const auto ip = parts.value_of("ip");
        if (!ip) return may_add;
        if (*ip == "dhcp" || is_stale(*ip)) return true;
        // Ours, as we write it: then the gateway is ours, too.
        const bool is_our_text = *ip == address_->text() + "/32";
        return is_our_text && nic_->gateway && parts.value_of("gw") != nic_->gateway->text();
    }

    void set(PropertyString& parts, std::size_t new_place) const {
        set_ip(parts, new_place, address_->text() + "/32", nic_->gateway);
    }

private:
    [[nodiscard]] bool is_own(const Address& address) const {
        return nic_ != nullptr && std::ranges::find(nic_->addresses, address) != nic_->addresses.end();
    }

    const Appearance& wanted_;
    const ShownNic* nic_;
    std::optional<Address> address_;
};

std::optional<std::string> container_net(std::string net, const Appearance& wanted, const ShownNic* nic) {
    if (nic != nullptr) {
        if (!nic->mac) return net;
        net = with_mac(GuestType::container, net, *nic->mac);
    }
    PropertyString parts{net};
    const IpRule rule{wanted, nic};
    if (rule.must_set(parts, false)) {
        rule.set(parts, parts.size());
    } else if (rule.is_stale(parts.value_of("ip").value_or(""))) {
        set_ip(parts, 0, "dhcp", {});
    }
    return parts.text();
}

/// Absent: the key goes, or there is none.
std::optional<std::string> ip_config(std::optional<std::string_view> old, bool has_cloud_init, const Appearance& wanted,
                                     const ShownNic* nic) {
    PropertyString parts{old.value_or("")};
    const IpRule rule{wanted, nic};
    if (has_cloud_init && rule.must_set(parts, true)) {
        rule.set(parts, 0);
    } else if (rule.is_stale(parts.value_of("ip").value_or(""))) {
        parts.erase("ip");
        parts.erase("gw");
    }
    const auto text = parts.text();
    return text.empty() ? std::nullopt : std::optional{text};
}

/// In their order; no tag twice.
std::vector<std::string> wanted_tags(const Appearance& wanted) {
    std::vector<std::string> result;
    if (!wanted.has_notes) return result;
    for (const auto& nic : wanted.nics) {
        for (const auto& address : nic.addresses) {
            auto tag = "fip-" + address.text();
            if (address.is_v4() && std::ranges::find(result, tag) == result.end()) result.push_back(std::move(tag));
        }
    }
    return result;
}

void change_tags(const GuestConfig& config, const Appearance& wanted, std::vector<ConfigChange>& changes) {
    const auto old = config.tags();
    auto ours = wanted_tags(wanted);
    std::vector<std::string> old_ours;
    std::ranges::copy_if(old, std::back_inserter(old_ours), is_our_tag);
    // Proxmox sorts them as the cluster is set up.
    const auto sorted = [](auto tags) {
        std::ranges::sort(tags);
        return tags;
    };
    if (sorted(old_ours) == sorted(ours)) return;

    std::string text;
    const auto add = [&text](const std::string& tag) { text.append(text.empty() ? "" : ";").append(tag); };
    for (const auto& tag : old) {
        if (!is_our_tag(tag)) add(tag);
    }
    std::ranges::for_each(ours, add);
    changes.push_back({"tags", text.empty() ? std::nullopt : std::optional{text}});
}

std::string shown(const ShownNic& nic) {
    std::string text = "<b>net" + std::to_string(nic.number) + "</b>";
    std::string separator = " ";
    const auto add = [&](const std::string& word) {
        text += separator + word;
        separator = " · ";
    };
    std::string addresses;
    for (const auto& address : nic.addresses) addresses += (addresses.empty() ? "" : ", ") + address.text();
    if (!addresses.empty()) add(addresses);
    if (nic.mac) add("MAC " + upper(nic.mac->text()));
    if (!nic.hostname.empty()) add(escape_markdown(nic.hostname));
    if (nic.gateway) add("gateway " + nic.gateway->text());
    if (!nic.state.empty()) add(escape_markdown(nic.state));
    return text;
}

/// One line, of HTML: Markdown takes a line that begins with a comment for HTML, where `**` means nothing.
std::optional<std::string> shown_line(const Appearance& wanted) {
    if (!wanted.has_notes || wanted.nics.empty()) return {};
    std::string line;
    for (const auto& nic : wanted.nics) line += (line.empty() ? "" : " — ") + shown(nic);
    return line;
}

void change_description(const GuestConfig& config, const Appearance& wanted, std::vector<ConfigChange>& changes) {
    const auto old = config.description();
    if (old.find('\0') != std::string::npos) return;  // cannot be an argument of `qm set`
    const auto line = shown_line(wanted);
    if (!line && !has_our_line(old)) return;
    const auto description = with_our_line(old, line);
    if (description == old) return;
    changes.push_back({"description", description.empty() ? std::nullopt : std::optional{description}});
}

void change_hookscript(const GuestConfig& config, const Appearance& wanted, std::vector<ConfigChange>& changes) {
    const auto old = config.hookscript();
    if (wanted.nics.empty()) {
        if (old == snippet_volume) changes.push_back({"hookscript", std::nullopt});
    } else if (wanted.may_set_hookscript && old.empty()) {
        changes.push_back({"hookscript", std::string{snippet_volume}});
    }
}

void change_net(const GuestConfig& config, int number, const Appearance& wanted, std::vector<ConfigChange>& changes) {
    const auto key = "net" + std::to_string(number);
    const auto old = config.planned_value(key);
    if (!old) return;
    const auto* const nic = find_nic(wanted, number);
    std::optional<std::string> net{*old};
    if (config.type() == GuestType::container) {
        net = container_net(*net, wanted, nic);
    } else if (nic != nullptr && nic->mac) {
        net = with_mac(GuestType::vm, *net, *nic->mac);
    }
    if (net != *old) changes.push_back({key, std::move(net)});
}

void change_ip_config(const GuestConfig& config, int number, const Appearance& wanted,
                      std::vector<ConfigChange>& changes) {
    if (config.type() == GuestType::container) return;
    const auto key = "ipconfig" + std::to_string(number);
    const auto old = config.planned_value(key);
    auto changed = ip_config(old, config.has_cloud_init(), wanted, find_nic(wanted, number));
    if (old != changed) changes.push_back({key, std::move(changed)});
}

}  // namespace

bool is_our_tag(std::string_view tag) {
    constexpr std::string_view prefix = "fip-";
    if (!tag.starts_with(prefix)) return false;
    const auto address = Address::try_parse(tag.substr(prefix.size()));
    return address && address->is_v4();
}

std::vector<ConfigChange> changes_for(const GuestConfig& config, const Appearance& wanted) {
    std::vector<ConfigChange> changes;
    for (int number = 0; number < most_nics; ++number) {
        change_net(config, number, wanted, changes);
        change_ip_config(config, number, wanted, changes);
    }
    change_hookscript(config, wanted, changes);
    change_tags(config, wanted, changes);
    change_description(config, wanted, changes);
    return changes;
}

}  // namespace fip::proxmox
