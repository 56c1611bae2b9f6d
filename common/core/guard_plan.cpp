#include "core/guard_plan.hpp"

#include <algorithm>
#include <set>

namespace fip {
namespace {

using Registered = std::map<Mac, std::set<Address>>;

Registered shown_macs(const std::vector<ProviderAddress>& list, const std::string& server) {
    Registered shown;
    for (const auto& entry : list) {
        if (entry.mac && entry.missing == 0 && entry.server == server) shown[*entry.mac].insert(entry.address);
    }
    return shown;
}

void add_once(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

class Planner {
public:
    explicit Planner(const GuardFacts& facts) : facts_{facts} {}

    GuardPlan plan() {
        std::set<std::string> names;
        for (const auto& [name, pool] : facts_.settings.pools) names.insert(pool.bridges.begin(), pool.bridges.end());
        for (const auto& name : names) plan_bridge(name);
        std::sort(plan_.rules.begin(), plan_.rules.end(),
                  [](const UplinkRules& left, const UplinkRules& right) { return left.uplink < right.uplink; });
        return std::move(plan_);
    }

private:
    [[nodiscard]] std::vector<const PoolSettings*> pools_on(const std::string& bridge) const {
        std::vector<const PoolSettings*> pools;
        for (const auto& [name, pool] : facts_.settings.pools) {
            const auto& bridges = pool.bridges;
            if (std::find(bridges.begin(), bridges.end(), bridge) != bridges.end()) pools.push_back(&pool);
        }
        return pools;
    }

    [[nodiscard]] const BridgeView* view_of(const std::string& bridge) const {
        const auto found = std::find_if(facts_.bridges.begin(), facts_.bridges.end(),
                                        [&](const BridgeView& view) { return view.name == bridge; });
        return found == facts_.bridges.end() ? nullptr : &*found;
    }

    /// A named uplink of a pool with several bridges belongs to the one whose port it is; to all while it is nobody's.
    [[nodiscard]] bool is_uplink_of(const std::string& device, const std::string& bridge) const {
        const auto owner = std::find_if(facts_.bridges.begin(), facts_.bridges.end(),
                                        [&](const BridgeView& view) { return is_port(view, device); });
        return owner == facts_.bridges.end() || owner->name == bridge;
    }

    [[nodiscard]] std::vector<std::string> uplinks_of(const std::string& bridge,
                                                      const std::vector<const PoolSettings*>& pools) const {
        std::vector<std::string> uplinks;
        for (const auto* pool : pools) {
            for (const auto& device : pool->uplinks) {
                if (is_uplink_of(device, bridge)) add_once(uplinks, device);
            }
        }
        if (!uplinks.empty()) return uplinks;
        if (const auto* view = view_of(bridge)) {
            for (const auto& port : view->ports) {
                if (port.is_uplink) add_once(uplinks, port.name);
            }
        }
        if (!uplinks.empty()) return uplinks;
        // The bridge does not stand yet, or its uplink is away for a moment.
        for (const auto& known : facts_.known) {
            if (known.bridge == bridge) add_once(uplinks, known.uplink);
        }
        return uplinks;
    }

    void plan_bridge(const std::string& name) {
        const auto pools = pools_on(name);
        BridgeGuard guard{name, GuardMode::off, {}, {}};
        guard.exists = view_of(name) != nullptr;
        for (const auto* pool : pools)
            guard.mode = std::min(guard.mode, pool->guard);  // the strictest has the lowest value
        if (guard.mode != GuardMode::off) {
            guard.uplinks = uplinks_of(name, pools);
            if (guard.uplinks.empty()) guard.problem = no_uplink(name);
            look_beside(guard);
        }
        for (const auto& uplink : guard.uplinks) plan_uplink(uplink, pools, guard);
        plan_.bridges.push_back(std::move(guard));
    }

    [[nodiscard]] std::string no_uplink(const std::string& bridge) const {
        if (view_of(bridge) == nullptr) return "the bridge " + bridge + " does not exist, and its uplink is not known";
        return "no port of " + bridge + " is known as its uplink: name it in pools.*.uplinks of the configuration";
    }

    /// Rules stand at the uplinks all the same: what is no port now may become one.
    void look_beside(BridgeGuard& guard) const {
        const auto* view = view_of(guard.bridge);
        if (view == nullptr || guard.uplinks.empty()) return;
        bool is_here = false;
        for (const auto& port : view->ports) {
            const bool is_ours = std::any_of(guard.uplinks.begin(), guard.uplinks.end(), [&](const auto& uplink) {
                return uplink == port.name || port.below.contains(uplink);
            });
            is_here = is_here || is_ours;
            if (port.is_uplink && !is_ours) guard.beside += (guard.beside.empty() ? "" : ", ") + port.name;
        }
        guard.is_elsewhere = !is_here;
        if (is_here) return;
        guard.problem = guard.uplinks.front() + " is no port of " + guard.bridge +
                        (guard.beside.empty() ? ", and none of its ports is known as its uplink"
                                              : "; its uplink seems to be " + guard.beside) +
                        ": name it in pools.*.uplinks of the configuration";
    }

    void plan_uplink(const std::string& uplink, const std::vector<const PoolSettings*>& pools, BridgeGuard& guard) {
        UplinkRules rules;
        rules.uplink = uplink;
        rules.bridge = guard.bridge;
        rules.mode = guard.mode;
        for (const auto* pool : pools) add_pool(rules, *pool);
        const auto own_mac = own_mac_of(uplink, guard.bridge);
        if (rules.own.empty() && own_mac) rules.own.insert(*own_mac);
        // Named for several bridges and a port of none yet: once is enough.
        const bool is_there = std::any_of(plan_.rules.begin(), plan_.rules.end(),
                                          [&](const UplinkRules& other) { return other.uplink == uplink; });
        if (is_there) return;
        plan_.known.push_back({guard.bridge, uplink, own_mac});
        auto problem = problem_of(rules);
        if (problem.empty()) problem = unread_provider(pools);
        const bool is_standing = std::any_of(
            facts_.standing.begin(), facts_.standing.end(),
            [&](const UplinkState& state) { return state.uplink == uplink && state.mode == GuardMode::enforce; });
        // What stands stays: taking it away would let through what must not leave.
        const bool comes_up =
            problem.empty() || rules.mode == GuardMode::observe || (is_standing && !rules.own.empty());
        if (comes_up) plan_.rules.push_back(std::move(rules));
        if (guard.problem.empty()) guard.problem = std::move(problem);
    }

    void add_pool(UplinkRules& rules, const PoolSettings& pool) const {
        for (const auto& prefix : pool.ipv6) {
            if (std::find(rules.ipv6.begin(), rules.ipv6.end(), prefix) == rules.ipv6.end())
                rules.ipv6.push_back(prefix);
        }
        const auto provider = facts_.providers.find(pool.provider);
        if (provider == facts_.providers.end()) return;
        rules.own.insert(provider->second.server_macs.begin(), provider->second.server_macs.end());
        for (const auto& each : provider->second.macs) {
            rules.registered[each.mac].insert(each.addresses.begin(), each.addresses.end());
        }
    }

    [[nodiscard]] std::optional<Mac> own_mac_of(const std::string& uplink, const std::string& bridge) const {
        if (const auto* view = view_of(bridge)) {
            const auto port = std::find_if(view->ports.begin(), view->ports.end(),
                                           [&](const auto& each) { return each.name == uplink; });
            if (port != view->ports.end() && port->own_mac) return port->own_mac;
        }
        const auto known = std::find_if(facts_.known.begin(), facts_.known.end(),
                                        [&](const KnownUplink& each) { return each.uplink == uplink; });
        return known == facts_.known.end() ? std::nullopt : known->own_mac;
    }

    [[nodiscard]] std::string unread_provider(const std::vector<const PoolSettings*>& pools) const {
        for (const auto* pool : pools) {
            const auto known = facts_.providers.find(pool->provider);
            if (known == facts_.providers.end() || known->second.is_read) continue;
            return "the provider " + pool->provider +
                   " was not read yet, and nobody may be cut off: failover-ip pool sync";
        }
        return "";
    }

    /// Nobody may be cut off by the guard's coming up.
    [[nodiscard]] std::string problem_of(const UplinkRules& rules) const {
        if (rules.own.empty()) return "the host's own MAC on " + rules.uplink + " is not known";
        const auto* view = view_of(rules.bridge);
        if (view == nullptr || !view->mac) return "";
        if (rules.own.contains(*view->mac) || rules.registered.contains(*view->mac)) return "";
        const auto right = rules.own.begin()->text();
        return "the bridge " + view->name + " wears " + view->mac->text() +
               ", which the provider does not know; its own is " + right + ": ip link set dev " + view->name +
               " address " + right + " (and in the network configuration: bridge_hw or hwaddress " + right + ")";
    }

    const GuardFacts& facts_;
    GuardPlan plan_;
};

}  // namespace

GuardSet next_guard_set(const std::vector<GuardMac>& known, const std::vector<ProviderAddress>& list,
                        const std::string& server, const Now& now, std::chrono::milliseconds grace) {
    auto shown = shown_macs(list, server);
    GuardSet next;
    const auto lacking = static_cast<std::size_t>(
        std::count_if(known.begin(), known.end(), [&](const GuardMac& each) { return !shown.contains(each.mac); }));
    const bool is_believed = lacking <= 1 || lacking * 2 <= known.size();
    if (!is_believed) next.lacking = lacking;
    for (auto each : known) {
        if (shown.contains(each.mac)) continue;
        if (is_believed) {
            const bool counts = each.missing_since && each.missing_since->boot_id == now.boot_id;
            if (counts && now.boot - each.missing_since->boot >= grace) continue;
            if (!counts) each.missing_since = now;
        }
        next.macs.push_back(std::move(each));
    }
    for (const auto& [mac, addresses] : shown) {
        next.macs.push_back({mac, {addresses.begin(), addresses.end()}, std::nullopt});
    }
    std::sort(next.macs.begin(), next.macs.end(),
              [](const GuardMac& left, const GuardMac& right) { return left.mac < right.mac; });
    return next;
}

std::vector<GuardMac> without_address(std::vector<GuardMac> known, const Address& address) {
    for (auto& each : known) std::erase(each.addresses, address);
    std::erase_if(known, [](const GuardMac& each) { return each.addresses.empty(); });
    return known;
}

const BridgeGuard* GuardPlan::find(const std::string& bridge) const {
    const auto found =
        std::find_if(bridges.begin(), bridges.end(), [&](const BridgeGuard& each) { return each.bridge == bridge; });
    return found == bridges.end() ? nullptr : &*found;
}

GuardPlan plan_guard(const GuardFacts& facts) {
    return Planner{facts}.plan();
}

bool is_guarded(const BridgeGuard& bridge, const std::vector<UplinkState>& standing) {
    return bridge.mode == GuardMode::enforce && !bridge.is_elsewhere && !bridge.uplinks.empty() &&
           std::all_of(bridge.uplinks.begin(), bridge.uplinks.end(), [&](const std::string& uplink) {
               return std::any_of(standing.begin(), standing.end(), [&](const UplinkState& state) {
                   return state.uplink == uplink && state.mode == GuardMode::enforce;
               });
           });
}

std::string text_of(const std::vector<KnownUplink>& known) {
    std::string text;
    for (const auto& each : known) {
        text += each.bridge + " " + each.uplink + (each.own_mac ? " " + each.own_mac->text() : "") + "\n";
    }
    return text;
}

std::vector<KnownUplink> known_uplinks(std::string_view text) {
    std::vector<KnownUplink> known;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text = line.size() < text.size() ? text.substr(line.size() + 1) : std::string_view{};
        const auto first = line.find(' ');
        if (first == std::string_view::npos || first == 0) continue;
        const auto second = line.find(' ', first + 1);
        const auto uplink = line.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
        if (uplink.empty()) continue;
        KnownUplink each{std::string{line.substr(0, first)}, std::string{uplink}, std::nullopt};
        if (second != std::string_view::npos) each.own_mac = Mac::try_parse(line.substr(second + 1));
        known.push_back(std::move(each));
    }
    return known;
}

std::string_view name_of(GuardMode mode) noexcept {
    switch (mode) {
    case GuardMode::enforce:
        return "enforce";
    case GuardMode::observe:
        return "observe";
    case GuardMode::off:
        return "off";
    }
    return "?";
}

}  // namespace fip
