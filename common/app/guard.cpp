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
    given.reserve(macs.size());
    for (const auto& [mac, addresses] : macs)
        given.push_back({mac, {addresses.begin(), addresses.end()}, std::nullopt});
    return given;
}

std::vector<GuardMac> listed_macs(const Rows& rows, const ProviderSettings& provider, const Context& context) {
    if (!rows.guests.value(guard_set_key(provider.name)).empty()) return rows.guard.macs(provider.name);
    // The last list is from before there was a guard.
    const auto list = rows.provider.addresses(provider.name);
    return next_guard_set({}, list, provider.server, context.clock.now(), context.settings.grace).macs;
}

std::vector<std::string> bridges_of(const Settings& settings) {
    std::set<std::string> names;
    for (const auto& [name, pool] : settings.pools) names.insert(pool.bridges.begin(), pool.bridges.end());
    return {names.begin(), names.end()};
}

std::vector<UplinkState> standing_of(const GuardRules& rules) {
    std::vector<UplinkState> standing;
    for (const auto& each : rules) {
        standing.push_back({each.uplink, each.mode, true, each.own.size() + each.registered.size()});
    }
    return standing;
}

bool has_last_walls(const std::vector<UplinkState>& standing) {
    return std::all_of(standing.begin(), standing.end(), [](const UplinkState& each) { return each.has_last_wall; });
}

/// A device that is not there has no last wall.
bool differs(std::vector<UplinkState> standing, const GuardRules& rules, const std::vector<BridgeView>& bridges) {
    for (auto& each : standing) {
        const bool is_there = std::any_of(bridges.begin(), bridges.end(),
                                          [&](const BridgeView& bridge) { return is_port(bridge, each.uplink); });
        each.has_last_wall = each.has_last_wall || !is_there;
    }
    auto wanted = standing_of(rules);
    const auto by_name = [](const UplinkState& left, const UplinkState& right) { return left.uplink < right.uplink; };
    std::sort(standing.begin(), standing.end(), by_name);
    std::sort(wanted.begin(), wanted.end(), by_name);
    return standing != wanted;
}

}  // namespace

GuardFacts guard_facts(const Context& context, const Guard& guard) {
    GuardFacts facts{context.settings, {}, guard.bridges(bridges_of(context.settings)), {}, {}};
    context.store.read([&](const Rows& rows) {
        facts.known = known_uplinks(rows.guests.value(uplinks_key));
        for (const auto& [name, provider] : context.settings.providers) {
            const auto status = rows.provider.status(name);
            if (context.traits.at(name).has_api) {
                facts.providers[name] = {status.server_macs, listed_macs(rows, provider, context),
                                         status.synced_at.has_value()};
            } else {
                facts.providers[name] = {{}, given_macs(rows, provider), true};
            }
        }
    });
    return facts;
}

bool is_guard_down(const LeaseStore& store) {
    bool is_down = false;
    store.read([&](const Rows& rows) { is_down = rows.guests.value(wish_key) == down; });
    return is_down;
}

void set_guard_down(const Context& context) {
    context.store.write([&](Rows& rows) {
        rows.guests.set_value(wish_key, down);
        // When it comes up again the last list counts, whatever was held against it.
        for (const auto& [name, provider] : context.settings.providers) {
            rows.guard.replace(name, {});
            rows.guests.set_value(guard_set_key(name), "");
        }
    });
}

void set_guard_up(LeaseStore& store) {
    store.write([](Rows& rows) { rows.guests.set_value(wish_key, ""); });
}

/// What cannot be read is written anew; where nothing is wanted, a host without nft is fine.
std::vector<UplinkState> GuardKeeper::standing_now() const {
    try {
        return guard_.state();
    } catch (const GuardError&) {
        return {};
    }
}

GuardKeeper::Refreshed GuardKeeper::refresh(const Context& context, Depth depth) {
    const auto held = lock_.hold_guard();
    const bool is_first = !applied_;
    const bool is_thorough = is_first || depth != Depth::changes;
    auto facts = guard_facts(context, guard_);
    facts.standing = is_thorough ? standing_now() : standing_of(*applied_);
    Refreshed done{plan_guard(facts), is_guard_down(context.store), false};
    const auto known = text_of(done.plan.known);
    if (known != text_of(facts.known)) {
        context.store.write([&](Rows& rows) { rows.guests.set_value(uplinks_key, known); });
    }
    const auto rules = done.was_down ? GuardRules{} : done.plan.rules;
    done.was_changed = is_thorough && differs(facts.standing, rules, facts.bridges);
    if (rules.empty() && facts.standing.empty()) {
        applied_.emplace();
        return done;
    }
    const bool is_whole = depth == Depth::changes || has_last_walls(facts.standing);
    if (is_first || depth == Depth::everything || done.was_changed || !is_whole || *applied_ != rules) {
        applied_.reset();  // half-known, should it fail
        guard_.apply(rules);
        applied_ = rules;
    }
    return done;
}

}  // namespace fip
