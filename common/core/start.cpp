#include "core/start.hpp"

#include "core/pool.hpp"

#include <algorithm>

namespace fip {
namespace {

StartVerdict refuse(StartAnswer answer, std::string text) {
    return {answer, std::move(text), {}};
}

/// What one NIC asks for must hold for all: the later in this order, the worse.
int weight(StartAnswer answer) {
    constexpr StartAnswer order[] = {StartAnswer::good,    StartAnswer::moving, StartAnswer::late,
                                     StartAnswer::guarded, StartAnswer::retry,  StartAnswer::hopeless};
    return static_cast<int>(std::find(std::begin(order), std::end(order), answer) - std::begin(order));
}

std::string worn_by(const Lease& lease) {
    const auto holder = lease.guest_name.empty() ? std::string{"another guest"} : "the guest " + lease.guest_name;
    return " belongs to " + holder + " (" + lease.address.text() + ")";
}

constexpr const char* reconcile = "; it was here before failover-ip: failover-ip reconcile";

/// What a libvirt guest hears about a NIC.
class LibvirtGate {
public:
    explicit LibvirtGate(const StartFacts& facts) : facts_{facts} {}

    [[nodiscard]] StartVerdict no_mac(const Nic& nic) const {
        return refuse(StartAnswer::late, "its NIC on " + nic.bridge + " has no MAC yet");
    }

    [[nodiscard]] StartVerdict check_lease(const Nic& nic, const Lease& lease) const {
        if (lease.state == LeaseState::away) {
            if (facts_.operation == "migrate") return {};
            return refuse(StartAnswer::hopeless, "its address " + lease.address.text() +
                                                     " is on another server; route it to this one (" +
                                                     server_of(lease) + ") in the provider's console");
        }
        if (lease.state == LeaseState::active) return {};
        return refuse(StartAnswer::retry, "the virtual MAC " + nic.mac->text() + " of " + lease.address.text() +
                                              " is not confirmed by the provider yet");
    }

    [[nodiscard]] StartVerdict worn_by_another(const Nic& nic, const Lease& lease) const {
        const auto what = "its MAC " + nic.mac->text() + " on " + nic.bridge + worn_by(lease);
        if (!is_enabled()) return refuse(StartAnswer::hopeless, what);
        if (facts_.is_held_back) return refuse(StartAnswer::hopeless, what + reconcile);
        // The guard lets this MAC out: only where the NIC can surely be changed in time may it start.
        const bool is_swappable = nic.can_unplug && facts_.settings.on_wrong_mac == OnWrongMac::swap;
        return refuse(is_swappable && facts_.operation.empty() ? StartAnswer::late : StartAnswer::retry, what);
    }

    /// Registered, and no lease knows it: a hand-made set-up that the daemon has not adopted yet.
    [[nodiscard]] StartVerdict check_registered(const Nic& nic, const MacFacts& mac) const {
        if (mac.provider->server == mac.provider_server || facts_.operation == "migrate") return {};
        return refuse(StartAnswer::hopeless, "its MAC " + nic.mac->text() + " belongs to " +
                                                 mac.provider->address.text() +
                                                 ", which is not routed to this server; route it here (" +
                                                 mac.provider_server + ") in the provider's console");
    }

    [[nodiscard]] StartVerdict unknown_mac(const Nic& nic) const {
        const auto what = "the provider does not know its MAC " + nic.mac->text() + " on " + nic.bridge;
        // libvirt accepts no other MAC in these two.
        const bool is_held = facts_.settings.on_wrong_mac == OnWrongMac::hold;
        if (facts_.operation == "restore") {
            return refuse(is_held ? StartAnswer::guarded : StartAnswer::hopeless,
                          what + ", and a saved image keeps its MAC: virsh managedsave-remove " + quoted_name());
        }
        if (facts_.operation == "migrate") {
            return refuse(is_held ? StartAnswer::guarded : StartAnswer::hopeless,
                          what + ", and an incoming migration keeps its MAC: stop it, then start it here");
        }
        if (!is_enabled()) {
            return refuse(StartAnswer::guarded,
                          what + ", and its definition says enabled=\"no\": give it a registered MAC");
        }
        if (facts_.is_held_back) return refuse(StartAnswer::hopeless, what + reconcile);
        return refuse(StartAnswer::late, facts_.waiting.empty() ? what : facts_.waiting);
    }

private:
    [[nodiscard]] bool is_enabled() const { return !facts_.guest.request || facts_.guest.request->is_enabled; }
    [[nodiscard]] std::string quoted_name() const { return "'" + facts_.guest.name + "'"; }
    [[nodiscard]] std::string server_of(const Lease& lease) const {
        const auto provider = facts_.settings.providers.find(lease.provider);
        return provider == facts_.settings.providers.end() ? lease.provider : provider->second.server;
    }

    const StartFacts& facts_;
};

/// What a Proxmox guest hears. A wrong MAC in its config can be put right before the next start, unless a lock or a
/// migration says that nobody may write it: then only the guard can keep what is wrong from leaving.
class ProxmoxGate {
public:
    explicit ProxmoxGate(const StartFacts& facts) : facts_{facts} {}

    [[nodiscard]] StartVerdict no_mac(const Nic& nic) const {
        return wrong("its " + name_of(nic) + " has no MAC, and Proxmox would make one up");
    }

    [[nodiscard]] StartVerdict check_lease(const Nic& nic, const Lease& lease) const {
        if (lease.state == LeaseState::active) return {};
        if (lease.state == LeaseState::away || lease.stay == Stay::arriving) return arriving(lease.address);
        return wrong("the virtual MAC " + nic.mac->text() + " of " + lease.address.text() +
                     " is not confirmed by the provider yet");
    }

    [[nodiscard]] StartVerdict worn_by_another(const Nic& nic, const Lease& lease) const {
        const auto what = "the MAC " + nic.mac->text() + " of its " + name_of(nic) + worn_by(lease);
        // The guard lets this MAC out: it is no help here.
        if (is_bound()) return refuse(StartAnswer::hopeless, what + why_bound());
        return wrong(what);
    }

    [[nodiscard]] StartVerdict check_registered(const Nic&, const MacFacts& mac) const {
        return mac.provider->server == mac.provider_server ? StartVerdict{} : arriving(mac.provider->address);
    }

    [[nodiscard]] StartVerdict unknown_mac(const Nic& nic) const {
        return wrong("the provider does not know the MAC " + nic.mac->text() + " of its " + name_of(nic));
    }

private:
    static std::string name_of(const Nic& nic) { return "net" + std::to_string(nic.index) + " on " + nic.bridge; }
    [[nodiscard]] bool is_bound() const { return facts_.manner.is_migration || !facts_.manner.lock.empty(); }
    [[nodiscard]] std::string why_bound() const {
        return facts_.manner.is_migration ? ", and an incoming migration keeps its MAC"
                                          : ", and its lock (" + facts_.manner.lock + ") lets nobody write its config";
    }

    [[nodiscard]] StartVerdict wrong(const std::string& what) const {
        if (is_bound()) return refuse(StartAnswer::guarded, what + why_bound());
        if (facts_.is_held_back) return refuse(StartAnswer::hopeless, what + reconcile);
        return refuse(StartAnswer::late, facts_.waiting.empty() ? what : facts_.waiting);
    }

    /// While it still runs on the other node its address belongs there; the watcher moves it when its config comes.
    [[nodiscard]] StartVerdict arriving(const Address& address) const {
        return refuse(facts_.manner.is_migration ? StartAnswer::guarded : StartAnswer::moving,
                      "its address " + address.text() + " is not routed to this server yet");
    }

    const StartFacts& facts_;
};

template <class Gate>
StartVerdict check(const StartFacts& facts, const Gate& gate, const Nic& nic) {
    if (!nic.mac) return gate.no_mac(nic);
    const auto own = std::find_if(facts.leases.begin(), facts.leases.end(),
                                  [&](const Lease& lease) { return lease.mac == nic.mac && is_held(lease.state); });
    if (own != facts.leases.end()) return gate.check_lease(nic, *own);

    const auto known = facts.macs.find(*nic.mac);
    if (known != facts.macs.end()) {
        const auto other = std::find_if(known->second.leases.begin(), known->second.leases.end(),
                                        [](const Lease& lease) { return is_held(lease.state); });
        if (other != known->second.leases.end()) return gate.worn_by_another(nic, *other);
        if (known->second.leases.empty() && known->second.provider) return gate.check_registered(nic, known->second);
    }
    return gate.unknown_mac(nic);
}

template <class Gate>
StartVerdict worst_of(const StartFacts& facts, const Gate& gate) {
    StartVerdict worst;
    std::vector<std::string> bridges;
    for (const auto& nic : facts.guest.nics) {
        if (!is_managed(facts.settings, nic)) continue;
        auto verdict = check(facts, gate, nic);
        if (verdict.answer == StartAnswer::good) continue;
        if (std::find(bridges.begin(), bridges.end(), nic.bridge) == bridges.end()) bridges.push_back(nic.bridge);
        if (weight(verdict.answer) > weight(worst.answer)) worst = std::move(verdict);
    }
    worst.bridges = std::move(bridges);
    return worst;
}

}  // namespace

StartVerdict may_start(const StartFacts& facts) {
    return facts.guest.id.kind == GuestKind::proxmox ? worst_of(facts, ProxmoxGate{facts})
                                                     : worst_of(facts, LibvirtGate{facts});
}

}  // namespace fip
