#include "check_guests.hpp"

#include "appearance.hpp"
#include "core/pool.hpp"
#include "read_guest.hpp"

#include <algorithm>
#include <map>

namespace fip::proxmox {
namespace {

std::string nic_name(const SeenGuest& seen, const Nic& nic) {
    return std::to_string(seen.vmid) + " " + slot_of(nic);
}

bool is_managed_guest(const Settings& settings, const SeenGuest& seen) {
    return std::ranges::any_of(seen.guest.nics, [&](const Nic& nic) { return is_managed(settings, nic); });
}

/// "1 guest", "3 guests"
std::string count_of(std::size_t number, const std::string& noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace

doctor::Check check_hookscripts(const Settings& settings, const std::vector<SeenGuest>& guests) {
    std::vector<std::string> without;
    bool has_other = false;
    for (const auto& seen : guests) {
        if (!seen.is_on_this_node || seen.hookscript == snippet_volume || !is_managed_guest(settings, seen)) continue;
        has_other = has_other || !seen.hookscript.empty();
        without.push_back(std::to_string(seen.vmid) +
                          (seen.hookscript.empty() ? " (none)" : " (" + seen.hookscript + ")"));
    }
    if (without.empty()) return doctor::ok("hookscripts", "every guest on a managed bridge has our hookscript");
    std::string hint = "the watcher sets it where there is none, once every node has announced the snippet";
    if (has_other) hint += "; let another hookscript call ours, see failover-ip-proxmox-hook(8)";
    return doctor::warn("hookscripts", "on a managed bridge without our hookscript: " + doctor::some_of(without),
                        std::move(hint));
}

doctor::Check check_duplicates(const Settings& settings, const std::vector<SeenGuest>& guests) {
    struct Wearers {
        std::vector<std::string> nics;
        bool is_managed = false;
    };
    std::map<Mac, Wearers> worn;
    for (const auto& seen : guests) {
        for (const auto& nic : seen.guest.nics) {
            if (!nic.mac) continue;
            auto& wearers = worn[*nic.mac];
            wearers.nics.push_back(nic_name(seen, nic));
            wearers.is_managed = wearers.is_managed || is_managed(settings, nic);
        }
    }
    std::vector<std::string> several;
    bool is_ours = false;
    for (const auto& [mac, wearers] : worn) {
        if (wearers.nics.size() < 2) continue;
        several.push_back(mac.text() + " (" + doctor::some_of(wearers.nics) + ")");
        is_ours = is_ours || wearers.is_managed;
    }
    if (several.empty()) return doctor::ok("duplicate-macs", "no MAC is worn twice in the cluster");
    auto text = "worn more than once: " + doctor::some_of(several);
    if (!is_ours) return doctor::warn("duplicate-macs", std::move(text), "none of them is on a managed bridge");
    return doctor::fail("duplicate-macs", std::move(text),
                        "one of them keeps the MAC, the watcher gives the others one of their own: failover-ip guest "
                        "explain VMID says what keeps it from that");
}

doctor::Check check_registered(const Settings& settings, const std::vector<SeenGuest>& guests, const KnownMacs& known) {
    std::vector<std::string> wrong;
    std::size_t managed = 0;
    for (const auto& seen : guests) {
        if (!seen.is_on_this_node) continue;
        for (const auto& nic : seen.guest.nics) {
            if (!is_managed(settings, nic)) continue;
            ++managed;
            if (nic.mac && known.here.contains(*nic.mac)) continue;
            auto text = nic_name(seen, nic) + (nic.mac ? " " + nic.mac->text() : " without a MAC");
            if (nic.mac && known.elsewhere.contains(*nic.mac)) text += " (its address is routed elsewhere)";
            wrong.push_back(std::move(text));
        }
    }
    const std::string name = "registered-macs";
    if (wrong.empty()) {
        return doctor::ok(name, managed == 0 ? "no guest is on a managed bridge"
                                             : "of " + count_of(managed, "managed NIC") + " every MAC is registered");
    }
    if (!known.was_read) {
        return doctor::warn(name, "a provider was never read: which MACs it knows is not known",
                            "failover-ip pool sync");
    }
    return doctor::fail(name, "not registered at the provider: " + doctor::some_of(wrong),
                        "failover-ip guest explain VMID; failover-ip reconcile also changes guests that were there "
                        "before failover-ip was");
}

}  // namespace fip::proxmox
