#include "core/guest_plan.hpp"

#include "core/hostname.hpp"
#include "core/match.hpp"
#include "core/pool.hpp"

#include <algorithm>
#include <utility>

namespace fip {
namespace {

class Planner {
public:
    explicit Planner(const GuestFacts& facts) : facts_{facts}, guest_{facts.guest} {}

    GuestPlan plan() {
        managed_ = paired_nics(guest_, facts_.settings, facts_.leases);
        std::vector<Nic> nics;
        for (const auto& each : managed_) nics.push_back(each.nic);
        const auto leases = usable_leases();
        auto matched = match(nics, leases,
                             {[&](const Lease& lease, const Nic& nic) { return serves(lease, nic); },
                              [&](const Lease& lease, const Nic& nic) { return has_moved(lease, nic); },
                              [&](const Lease& lease, const Nic& nic) { return is_slot_of(lease, nic); }});
        for (auto& each : managed_) {
            each.is_moved = std::any_of(leases.begin(), leases.end(), [&](const Lease& lease) {
                return lease.mac && lease.mac == each.nic.mac && has_moved(lease, each.nic);
            });
        }
        for (std::size_t i = 0; i < managed_.size(); ++i) look_at_nic(managed_[i], i, std::move(matched.by_nic[i]));
        auto position = managed_.size();
        for (auto& group : matched.unmatched) look_at_leftover(group, position++);
        plan_edit();
        find_wrong_nics();
        return std::move(plan_);
    }

private:
    /// Proxmox numbers its NICs, and the number stays; libvirt's have their place only.
    [[nodiscard]] bool is_numbered() const { return guest_.id.kind == GuestKind::proxmox; }
    [[nodiscard]] std::string slot_of(const Nic& nic, std::size_t position) const {
        return is_numbered() ? fip::slot_of(nic) : std::to_string(position);
    }
    [[nodiscard]] bool is_slot_of(const Lease& lease, const Nic& nic) const {
        return is_numbered() && lease.guest && lease.slot == slot_of(nic, 0);
    }

    /// Whether its MAC can be made another one: in the stored definition, or of the running guest.
    [[nodiscard]] bool can_change(const ManagedNic& managed) const {
        if (guest_.is_persistent && !managed.is_live_only) return true;
        const auto remedy = managed.live ? remedy_of(managed) : Remedy::hold;
        return remedy == Remedy::swap || remedy == Remedy::replug;
    }

    [[nodiscard]] Remedy remedy_of(const ManagedNic& managed) const {
        auto live = *managed.live;
        live.is_plugged = live.is_plugged || managed.is_live_only || managed.is_moved;
        return remedy_for(guest_, live, facts_.settings.on_wrong_mac);
    }

    /// Rule 7, and no decision on a request that we do not understand.
    [[nodiscard]] bool is_left_alone() const {
        return !guest_.problem.empty() || (guest_.request && !guest_.request->is_enabled);
    }

    /// A pool that is no longer configured still serves: narrowing the configuration never ends a lease.
    [[nodiscard]] bool serves(const Lease& lease, const Nic& nic) const {
        const auto pool = facts_.settings.pools.find(lease.pool);
        if (pool == facts_.settings.pools.end()) return true;
        const auto& bridges = pool->second.bridges;
        return std::find(bridges.begin(), bridges.end(), nic.bridge) != bridges.end();
    }

    /// Without the reservations that this guest must not take: for another bridge, or with a MAC that it cannot get.
    [[nodiscard]] std::vector<Lease> usable_leases() const {
        std::vector<Lease> usable;
        for (const auto& lease : facts_.leases) {
            const bool fits = std::any_of(managed_.begin(), managed_.end(), [&](const ManagedNic& each) {
                return serves(lease, each.nic) && (each.nic.mac == lease.mac || can_change(each));
            });
            if (lease.guest || (fits && !is_left_alone())) usable.push_back(lease);
        }
        return usable;
    }

    /// Its address stays behind with the bridge: on another one it needs another.
    [[nodiscard]] bool has_moved(const Lease& lease, const Nic& nic) const {
        return !is_left_alone() && !lease.bridge.empty() && lease.bridge != nic.bridge && !serves(lease, nic);
    }

    void look_at_nic(const ManagedNic& managed, std::size_t position, LeaseGroup group) {
        const auto& nic = managed.nic;
        NicView view;
        view.nic = nic.index;
        view.is_live_only = managed.is_live_only;
        view.slot = slot_of(nic, position);
        const auto choice = pool_for(facts_.settings, nic.bridge, guest_.request);
        view.problem = guest_.problem.empty() ? choice.problem : guest_.problem;
        if (choice.pool != nullptr) view.pool = choice.pool->name;
        if (!is_left_alone() && choice.pool != nullptr) {
            if (group.empty()) group = adopted(nic, view);
            check_pool(nic, view, group);
            if (view.problem.empty()) size_group(managed, view, *choice.pool, group);
        }
        // One that is left alone has not moved yet: that is seen when it no longer is.
        for (auto& lease : group) lease.bridge = is_left_alone() ? lease.bridge : nic.bridge;
        keep(group, view.slot);
        view.leases = std::move(group);
        if (!view.leases.empty()) {
            const auto& first = view.leases.front();
            if (first.state == LeaseState::active) view.mac = first.mac;
            view.pool = first.pool;
        }
        plan_.nics.push_back(std::move(view));
    }

    void check_pool(const Nic& nic, NicView& view, const LeaseGroup& group) const {
        if (group.empty() || !view.problem.empty()) return;
        const auto& lease = group.front();
        if (!serves(lease, nic)) {
            view.problem = "it wears the MAC of " + lease.address.text() + " from the pool \"" + lease.pool +
                           "\", which does not serve the bridge " + nic.bridge + ": remove its <mac> to get another";
        } else if (guest_.request && !guest_.request->pool.empty() && lease.pool != guest_.request->pool) {
            view.problem = "it asks for the pool \"" + guest_.request->pool + "\" but holds " + lease.address.text() +
                           " from \"" + lease.pool + "\": undefine and define it to change that";
        }
    }

    /// More or fewer addresses, as asked for.
    void size_group(const ManagedNic& managed, NicView& view, const PoolSettings& pool, LeaseGroup& group) {
        const auto& nic = managed.nic;
        const bool is_away = std::any_of(group.begin(), group.end(), [](const Lease& lease) {
            return lease.state == LeaseState::away || lease.stay != Stay::here;
        });
        if (is_away) return;
        // Only a number that was asked for makes a group smaller.
        const auto asked = guest_.request ? guest_.request->addresses : std::nullopt;
        const auto wanted = asked ? static_cast<std::size_t>(*asked) : std::max<std::size_t>(1, group.size());
        if (wanted > static_cast<std::size_t>(pool.max_addresses)) {
            view.problem = "it asks for " + std::to_string(wanted) + " addresses per NIC; the pool \"" + pool.name +
                           "\" allows " + std::to_string(pool.max_addresses);
            return;
        }
        while (group.size() > wanted) {
            plan_.end.push_back(group.back());
            group.pop_back();
        }
        // An address that the NIC can never wear would only be blocked.
        if (group.empty() && !can_change(managed)) {
            view.problem = (managed.is_live_only ? "its NIC on " + nic.bridge + " is not in its stored definition"
                                                 : std::string{"it has no stored definition"}) +
                           ", cannot be plugged in anew, and its MAC " + (nic.mac ? nic.mac->text() : "(none)") +
                           " is not one of ours";
            return;
        }
        int ordinal = static_cast<int>(group.size());
        for (auto missing = wanted - group.size(); missing > 0; --missing) {
            plan_.wants.push_back({view.slot, ordinal, pool.name, nic.bridge, ordinal == 0 ? nic.mac : std::nullopt});
            ++ordinal;
        }
    }

    /// Leases for a NIC that already wears a MAC which the provider has for one of our addresses (chapter 4, adoption).
    LeaseGroup adopted(const Nic& nic, NicView& view) {
        const auto found = nic.mac ? facts_.worn.find(*nic.mac) : facts_.worn.end();
        if (found == facts_.worn.end()) return {};
        const auto& worn = found->second;
        const auto provider = facts_.settings.providers.find(worn.provider);
        if (provider == facts_.settings.providers.end()) return {};
        if (worn.wearers != 1) {
            view.problem = "its MAC " + nic.mac->text() + " is registered, but worn by " +
                           std::to_string(worn.wearers) + " NICs: give the others another MAC";
            return {};
        }
        LeaseGroup group;
        for (const auto& address : worn.addresses) {
            const auto* owner = pool_of(facts_.settings, worn.provider, address.address);
            const bool serves = owner != nullptr && std::find(owner->bridges.begin(), owner->bridges.end(),
                                                              nic.bridge) != owner->bridges.end();
            if (!serves) {
                view.problem = "its MAC belongs to " + address.address.text() + ", which no pool of this bridge lists";
                return {};
            }
            const bool is_here = address.server == provider->second.server;
            if (!is_here && !guest_.is_running && !guest_.is_arriving) {
                view.problem = "its MAC belongs to " + address.address.text() +
                               ", which is not routed to this server; route it here (" + provider->second.server +
                               ") in the provider's console";
                return {};
            }
            group.push_back(adopt(nic, view, *owner, address, is_here, static_cast<int>(group.size())));
        }
        return group;
    }

    Lease adopt(const Nic& nic, const NicView& view, const PoolSettings& pool, const ProviderAddress& address,
                bool is_here, int ordinal) {
        Lease lease;
        lease.address = address.address;
        lease.provider = pool.provider;
        lease.pool = pool.name;
        lease.state = is_here ? LeaseState::active : LeaseState::pending;
        lease.stay = is_here ? Stay::here : Stay::arriving;
        lease.guest = guest_.id;
        lease.guest_name = guest_.name;
        lease.origin = guest_.origin;
        lease.slot = view.slot;
        lease.ordinal = ordinal;
        lease.mac = nic.mac;
        lease.is_mac_asked = true;
        lease.is_adopted = true;
        lease.since = facts_.now.wall;
        plan_.put.push_back(lease);
        return lease;
    }

    /// Where the first one was lost, the next takes its place.
    void keep(LeaseGroup& group, const std::string& slot) {
        int ordinal = 0;
        for (auto& lease : group) keep(lease, slot, ordinal++);
    }

    /// Bring a lease that stays up to date: holder, name, slot, reverse name, back from elsewhere.
    void keep(Lease& lease, const std::string& slot, int ordinal) {
        const Lease before = lease;
        if (!lease.guest) lease.since = facts_.now.wall;
        lease.guest = guest_.id;
        lease.guest_name = guest_.name;
        lease.origin = guest_.origin;
        lease.slot = slot;
        lease.ordinal = ordinal;
        // Only the node that has a Proxmox guest's config sees the guest.
        if (lease.stay == Stay::left && (guest_.is_running || is_numbered())) come_back(lease);
        if (!is_left_alone()) wish_name(lease);
        if (lease == before) return;
        const auto queued = std::find_if(plan_.put.begin(), plan_.put.end(),
                                         [&](const Lease& other) { return other.address == lease.address; });
        if (queued == plan_.put.end()) {
            plan_.put.push_back(lease);
        } else {
            *queued = lease;
        }
    }

    void come_back(Lease& lease) const {
        const auto known = facts_.provider.find(lease.address);
        const auto provider = facts_.settings.providers.find(lease.provider);
        // The other node's watcher has moved the address since we read where it is.
        const bool is_here = !is_numbered() && known != facts_.provider.end() &&
                             provider != facts_.settings.providers.end() &&
                             known->second.server == provider->second.server;
        lease.stay = is_here ? Stay::here : Stay::arriving;
        lease.state = is_here && lease.mac ? LeaseState::active : LeaseState::pending;
    }

    void wish_name(Lease& lease) const {
        const auto pool = facts_.settings.pools.find(lease.pool);
        const auto traits = facts_.traits.find(lease.provider);
        if (pool == facts_.settings.pools.end() || traits == facts_.traits.end()) return;
        const bool is_asked = guest_.request && !guest_.request->hostname.empty();
        if (lease.is_adopted && !is_asked && lease.rdns == RdnsState::none) return;
        const auto& text = is_asked ? guest_.request->hostname : pool->second.hostname;
        // A reservation may have been given a name of its own; only a request overrides that.
        if (lease.is_name_chosen && !is_asked) return;
        wish_hostname(lease, expand_hostname(text, {guest_.name, guest_.id, lease.address, facts_.settings.host_name}),
                      traits->second.has_rdns, facts_.now.wall);
    }

    /// What stays without a managed NIC gets the slot of the NIC that wears its MAC, else one behind those of the NICs.
    void look_at_leftover(LeaseGroup& group, std::size_t position) {
        const bool is_reservation = !group.front().guest;
        if (is_reservation) return;
        const auto wears = [&](const Nic& nic) { return nic.mac && nic.mac == group.front().mac; };
        for (const auto* nics : {&guest_.nics, &guest_.live_nics}) {
            const auto wearer = std::find_if(nics->begin(), nics->end(), wears);
            // Rule 2: not while the guest can use the MAC.
            if (wearer != nics->end()) return keep(group, slot_of(*wearer, position));
        }
        if (is_left_alone()) return keep(group, is_numbered() ? group.front().slot : std::to_string(position));
        plan_.end.insert(plan_.end.end(), group.begin(), group.end());
    }

    [[nodiscard]] std::optional<NicRecord> record_of(const NicView& view) const {
        if (!view.mac) return {};
        NicRecord record{*view.mac, view.pool, view.leases.front().hostname, {}};
        for (const auto& lease : view.leases) {
            if (lease.state != LeaseState::active) continue;
            const auto traits = facts_.traits.find(lease.provider);
            record.addresses.push_back(
                {lease.address, traits == facts_.traits.end() ? std::nullopt : traits->second.gateway});
        }
        return record;
    }

    [[nodiscard]] std::optional<NicRecord> recorded(const Nic& nic) const {
        const auto found = std::find_if(guest_.records.begin(), guest_.records.end(),
                                        [&](const NicRecord& record) { return record.mac == nic.mac; });
        return found == guest_.records.end() ? std::nullopt : std::optional{*found};
    }

    void remark_on_running(const NicView& view, const ManagedNic& managed) {
        if (!guest_.is_running || !view.mac || managed.live) return;
        plan_.remarks.push_back("it runs without its NIC on " + managed.nic.bridge + " (" + view.mac->text() + ", " +
                                view.leases.front().address.text() + "): stop it and start it again");
    }

    void plan_edit() {
        if (is_left_alone() || !guest_.is_persistent) return;
        GuestEdit edit;
        for (std::size_t i = 0; i < managed_.size(); ++i) {
            const auto& view = plan_.nics[i];
            if (view.is_live_only) continue;
            remark_on_running(view, managed_[i]);
            const auto& nic = managed_[i].nic;
            if (view.mac && nic.mac != view.mac) edit.macs.push_back({view.nic, *view.mac});
            auto record = record_of(view);
            // While its leases are away or not confirmed, what was recorded of the MAC that it wears stays.
            if (!record && !view.leases.empty()) record = recorded(nic);
            if (record) edit.records.push_back(*std::move(record));
        }
        const bool is_recorded = is_numbered() || edit.records == guest_.records;  // Proxmox has no place for records
        if (!edit.macs.empty() || !is_recorded) plan_.edit = std::move(edit);
    }

    void find_wrong_nics() {
        if (!guest_.is_running || is_left_alone()) return;
        for (std::size_t i = 0; i < managed_.size(); ++i) {
            const auto& view = plan_.nics[i];
            const auto& live = managed_[i].live;
            if (!live || !view.mac || live->mac == view.mac) continue;
            const bool is_stored = !is_numbered() || managed_[i].nic.mac == view.mac;
            // Proxmox plugs a running guest's NIC in anew when its config is changed.
            const auto remedy = is_stored ? remedy_of(managed_[i]) : Remedy::replug;
            plan_.wrong.push_back({live->index, view.slot, *view.mac, remedy});
            if (remedy == Remedy::hold) {
                plan_.remarks.push_back(
                    "its NIC on " + live->bridge + " runs with the MAC " + (live->mac ? live->mac->text() : "(none)") +
                    " instead of " + view.mac->text() + " of " + view.leases.front().address.text() +
                    ", and what it sends is blocked: " +
                    (guest_.is_persistent ? "stop it and start it again" : "stop it and create it again"));
            }
        }
    }

    const GuestFacts& facts_;
    const Guest& guest_;
    std::vector<ManagedNic> managed_;
    GuestPlan plan_;
};

}  // namespace

GuestPlan plan_guest(const GuestFacts& facts) {
    return Planner{facts}.plan();
}

std::vector<Mac> unexplained_macs(const Guest& guest, const Settings& settings, const std::vector<Lease>& leases) {
    std::vector<Mac> macs;
    const auto collect = [&](const std::vector<Nic>& nics) {
        for (const auto& nic : nics) {
            if (!nic.mac || !is_managed(settings, nic)) continue;
            const bool is_explained =
                std::any_of(leases.begin(), leases.end(), [&](const Lease& lease) { return lease.mac == nic.mac; });
            const bool is_known = std::find(macs.begin(), macs.end(), *nic.mac) != macs.end();
            if (!is_explained && !is_known) macs.push_back(*nic.mac);
        }
    };
    collect(guest.nics);
    collect(guest.live_nics);
    return macs;
}

}  // namespace fip
