#include "app/guard.hpp"

#include <algorithm>
#include <set>

namespace fip {
namespace {

constexpr std::string_view uplinks_key = "guard-uplinks";
constexpr std::string_view wish_key = "guard";
constexpr std::string_view down = "down";

/// Where no API lists MACs, the configuration and the leases say which are registered.
std::vector<GuardMac> given_macs(const Rows& rows, const ProviderSettings& provider) {
    std::map<Mac, std::set<Address>> macs;
    for (const auto& fixed : provider.fixed) {
        if (fixed.mac) macs[*fixed.mac].insert(fixed.address);
    }
    for (const auto& lease : rows.leases.all(provider.name)) {
        if (lease.mac && is_held(lease.state)) macs[*lease.mac].insert(lease.address);
    }
    std::vector<GuardMac> given;
    for (const auto& [mac, addresses] : macs)
        given.push_back({mac, {addresses.begin(), addresses.end()}, std::nullopt});
    return given;
}

std::vector<std::string> bridges_of(const Settings& settings) {
    std::set<std::string> names;
    for (const auto& [name, pool] : settings.pools) names.insert(pool.bridges.begin(), pool.bridges.end());
    return {names.begin(), names.end()};
}

std::vector<UplinkState> standing_of(const GuardRules& rules) {
    std::vector<UplinkState> standing;
    for (const auto& each : rules) standing.push_back({each.uplink, each.mode, true, 0});
    return standing;
}

}  // namespace

GuardFacts guard_facts(const Context& context, const Guard& guard) {
    GuardFacts facts{context.settings, {}, guard.bridges(bridges_of(context.settings)), {}, {}};
    context.store.read([&](const Rows& rows) {
        facts.known = known_uplinks(rows.guests.value(uplinks_key));
        for (const auto& [name, provider] : context.settings.providers) {
            const bool has_api = context.traits.at(name).has_api;
            facts.providers[name] = {rows.provider.status(name).server_macs,
                                     has_api ? rows.guard.macs(name) : given_macs(rows, provider)};
        }
    });
    return facts;
}

bool is_guard_down(const LeaseStore& store) {
    bool is_down = false;
    store.read([&](const Rows& rows) { is_down = rows.guests.value(wish_key) == down; });
    return is_down;
}

void set_guard_down(LeaseStore& store) {
    store.write([](Rows& rows) { rows.guests.set_value(wish_key, down); });
}

void set_guard_up(LeaseStore& store) {
    store.write([](Rows& rows) { rows.guests.set_value(wish_key, ""); });
}

GuardPlan GuardKeeper::refresh(const Context& context, Depth depth) {
    const auto held = lock_.hold_guard();
    auto facts = guard_facts(context, guard_);
    const bool is_first = !applied_;
    facts.standing = is_first || depth == Depth::everything ? guard_.state() : standing_of(*applied_);
    auto plan = plan_guard(facts);
    const auto known = text_of(plan.known);
    if (known != text_of(facts.known)) {
        context.store.write([&](Rows& rows) { rows.guests.set_value(uplinks_key, known); });
    }
    if (is_guard_down(context.store)) plan.rules.clear();
    if (plan.rules.empty() && facts.standing.empty()) {
        applied_.emplace();
        return plan;
    }
    if (is_first || depth == Depth::everything || *applied_ != plan.rules) {
        applied_.reset();  // half-known, should it fail
        guard_.apply(plan.rules);
        applied_ = plan.rules;
    }
    return plan;
}

}  // namespace fip
