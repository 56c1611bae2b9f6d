#include "core/pool.hpp"

#include <algorithm>

namespace fip {
namespace {

bool lists(const PoolSettings& pool, const std::string& bridge) {
    return std::find(pool.bridges.begin(), pool.bridges.end(), bridge) != pool.bridges.end();
}

bool is_last_holder(const Lease& row, const Claimant& claimant) {
    if (row.guest && claimant.guest && *row.guest == *claimant.guest) return true;
    return !row.guest_name.empty() && row.guest_name == claimant.name;
}

}  // namespace

std::string_view name_of(PoolState state) noexcept {
    switch (state) {
    case PoolState::free:
        return "free";
    case PoolState::warm:
        return "warm";
    case PoolState::leased:
        return "leased";
    case PoolState::cooling:
        return "cooling";
    case PoolState::foreign:
        return "foreign";
    case PoolState::elsewhere:
        return "elsewhere";
    case PoolState::gone:
        return "gone";
    }
    return "?";
}

bool is_managed(const Settings& settings, const Nic& nic) {
    const bool hangs_on_bridge =
        nic.type == NicType::bridge || nic.type == NicType::network || nic.type == NicType::direct;
    if (!hangs_on_bridge || nic.is_tagged || nic.bridge.empty()) return false;
    return std::any_of(settings.pools.begin(), settings.pools.end(),
                       [&](const auto& entry) { return lists(entry.second, nic.bridge); });
}

PoolChoice pool_for(const Settings& settings, const std::string& bridge, const std::optional<Request>& request) {
    if (request && !request->pool.empty()) {
        const auto found = settings.pools.find(request->pool);
        if (found == settings.pools.end())
            return {nullptr, "it asks for the pool \"" + request->pool + "\", which is not configured"};
        if (!lists(found->second, bridge)) {
            return {nullptr,
                    "it asks for the pool \"" + request->pool + "\", which does not serve the bridge " + bridge};
        }
        return {&found->second, {}};
    }
    const PoolSettings* choice = nullptr;
    for (const auto& [name, pool] : settings.pools) {
        if (!lists(pool, bridge)) continue;
        if (pool.is_default) return {&pool, {}};
        if (choice == nullptr) choice = &pool;
    }
    return {choice, choice == nullptr ? "no pool serves the bridge " + bridge : std::string{}};
}

const PoolSettings* pool_of(const Settings& settings, std::string_view provider, const Address& address) {
    const PoolSettings* unfiltered = nullptr;
    for (const auto& [name, pool] : settings.pools) {
        if (pool.provider != provider) continue;
        if (pool.addresses.empty()) unfiltered = &pool;
        const bool is_named = std::any_of(pool.addresses.begin(), pool.addresses.end(),
                                          [&](const Prefix& prefix) { return prefix.contains(address); });
        if (is_named) return &pool;
    }
    return unfiltered;
}

PoolState pool_state(const ProviderAddress& facts, const Lease* row, std::string_view server) {
    const bool is_elsewhere = facts.server && *facts.server != server;
    if (row != nullptr && row->state == LeaseState::cooling) return PoolState::cooling;
    if (facts.missing >= 2) return PoolState::gone;
    if (is_elsewhere && (row == nullptr || row->stay != Stay::arriving)) return PoolState::elsewhere;
    if (row == nullptr) return facts.mac ? PoolState::foreign : PoolState::free;
    if (row->state == LeaseState::warm) return PoolState::warm;
    return row->state == LeaseState::warming ? PoolState::free : PoolState::leased;
}

bool is_claimable(const Settings& settings, const PoolSettings& pool, const ProviderAddress& facts, const Lease* row,
                  const Claimant& claimant, WallTime now) {
    const auto provider = settings.providers.find(pool.provider);
    if (provider == settings.providers.end()) return false;
    if (pool_of(settings, pool.provider, facts.address) != &pool || facts.missing > 0) return false;
    if (facts.server && *facts.server != provider->second.server) return false;
    const auto& fixed = provider->second.fixed;  // a MAC that the configuration gives is nobody else's
    const bool is_foreign =
        facts.mac && std::find(fixed.begin(), fixed.end(), FixedAddress{facts.address, facts.mac}) == fixed.end();
    if (row == nullptr) return !is_foreign;
    switch (row->state) {
    case LeaseState::warming:
    case LeaseState::warm:
        return true;
    case LeaseState::releasing:
        return is_last_holder(*row, claimant);
    case LeaseState::cooling:
        if (is_foreign) return false;
        return is_last_holder(*row, claimant) || !row->cooling_until || *row->cooling_until <= now;
    case LeaseState::pending:
    case LeaseState::active:
    case LeaseState::away:
        return false;
    }
    return false;
}

}  // namespace fip
