#include "guarded_start.hpp"

#include "app/guard.hpp"
#include "core/guard_plan.hpp"
#include "core/pool.hpp"
#include "providers/traits.hpp"
#include "runtime/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>

namespace fip::hooks {
namespace {

std::set<std::string> involved_providers(const Settings& settings, const Guest& guest) {
    std::set<std::string> result;
    for (const auto& nic : guest.nics) {
        if (!is_managed(settings, nic)) continue;
        if (const auto choice = pool_for(settings, nic.bridge, guest.request); choice.pool != nullptr) {
            result.insert(choice.pool->provider);
        }
    }
    return result;
}

/// The guard of each of these bridges stands, and `is_good` says so too. False also when it cannot be read.
bool holds_in_kernel(const Settings& settings, const std::vector<std::string>& bridges, const World& world,
                     const std::function<bool(const Guard&, const BridgeGuard&)>& is_good) {
    try {
        const auto guard = world.guard();
        const GuardFacts facts{settings, {}, guard->bridges(bridges), {}, guard->state()};
        const auto plan = plan_guard(facts);
        return std::ranges::all_of(bridges, [&](const std::string& name) {
            const auto* bridge = plan.find(name);
            return bridge != nullptr && is_guarded(*bridge, facts.standing) && is_good(*guard, *bridge);
        });
    } catch (const GuardError& e) {
        world.log(std::string{"the guard cannot be read: "} + e.what());
        return false;
    }
}

}  // namespace

std::optional<Settings> usable_settings(const World& world) {
    auto accepted = world.settings();
    if (!accepted.settings) {
        world.log("no usable configuration, starts are not checked: " + accepted.problem);
    } else if (!accepted.problem.empty()) {
        world.log("the configuration is bad, the last accepted one is used: " + accepted.problem);
    }
    return std::move(accepted.settings);
}

std::vector<std::string> managed_bridges(const Settings& settings) {
    std::vector<std::string> result;
    for (const auto& [name, pool] : settings.pools) {
        result.insert(result.end(), pool.bridges.begin(), pool.bridges.end());
    }
    return result;
}

bool has_managed_nic(const Settings& settings, const Guest& guest) {
    return std::ranges::any_of(guest.nics, [&](const Nic& nic) { return is_managed(settings, nic); });
}

std::map<std::string, ProviderTraits> traits_of(const Settings& settings) {
    std::map<std::string, ProviderTraits> result;
    for (const auto& [name, provider] : settings.providers) result[name] = providers::traits_of(provider.type);
    return result;
}

Context context_of(const Settings& settings, const std::map<std::string, ProviderTraits>& traits, LeaseStore& store,
                   const World& world) {
    return {settings, traits, store, world.clock, [] { return std::uint64_t{0}; }};
}

void read_after_boot(const Context& context, const Guest& guest, const World& world) {
    const auto now = context.clock.now();
    for (const auto& provider : involved_providers(context.settings, guest)) {
        if (!context.traits.at(provider).has_api) continue;
        ProviderStatus status;
        context.store.read([&](const Rows& rows) { status = rows.provider.status(provider); });
        if (status.synced_boot == now.boot_id) continue;
        if (status.backoff_until && *status.backoff_until > now.wall) continue;  // it was asked, and had no answer
        world.read_provider(provider);
    }
}

std::string hole_in_guard(const Context& context, const std::vector<std::string>& bridges, const World& world) {
    try {
        const auto guard = world.guard();
        auto facts = guard_facts(context, *guard);
        facts.standing = guard->state();
        const auto plan = plan_guard(facts);
        for (const auto& bridge : bridges) {
            const auto* found = plan.find(bridge);
            if (found == nullptr) return "no pool guards " + bridge;
            if (is_guarded(*found, facts.standing)) continue;
            if (found->mode != GuardMode::enforce) {
                return "the guard of " + bridge + " is set to \"" + std::string{name_of(found->mode)} + "\"";
            }
            return found->problem.empty() ? "the guard of " + bridge + " is not up: failover-ip guard up"
                                          : "the guard of " + bridge + " is not up: " + found->problem;
        }
        return "";
    } catch (const GuardError& e) {
        return std::string{"the guard cannot be read: "} + e.what();
    }
}

bool stands_in_kernel(const Settings& settings, const std::vector<std::string>& bridges, const World& world) {
    return holds_in_kernel(settings, bridges, world, [](const Guard&, const BridgeGuard&) { return true; });
}

bool passes_in_kernel(const Settings& settings, const Guest& guest, const World& world) {
    std::vector<std::string> bridges;
    for (const auto& nic : guest.nics) {
        if (is_managed(settings, nic)) bridges.push_back(nic.bridge);
    }
    return holds_in_kernel(settings, bridges, world, [&](const Guard& guard, const BridgeGuard& bridge) {
        return std::ranges::all_of(guest.nics, [&](const Nic& nic) {
            if (nic.bridge != bridge.bridge || !is_managed(settings, nic)) return true;
            return nic.mac && std::ranges::all_of(bridge.uplinks, [&](const std::string& uplink) {
                       return guard.passes(uplink, *nic.mac);
                   });
        });
    });
}

StartClaim claim_in_time(const Context& context, const Guest& guest, const World& world) {
    const auto store = world.open_to_write(context.settings);
    const auto writing = context_of(context.settings, context.traits, *store, world);
    for (bool is_first = true;; is_first = false) {
        auto answer = claim_for_start(writing, guest);
        if (answer.kind != StartClaim::Kind::pending) return answer;
        answer.kind = StartClaim::Kind::refused;
        if (is_first && !world.ask_daemon("work")) {
            answer.text = daemon_is_away(world, answer.text);
            return answer;
        }
        if (!world.wait()) {
            answer.text += ": try again";
            return answer;
        }
    }
}

std::string daemon_is_away(const World& world, const std::string& reason) {
    return reason + "; the daemon that puts it right does not answer: " + world.start_daemon;
}

std::string refusal(std::string_view guest, std::string_view reason) {
    return "failover-ip: " + runtime::printable(guest, 80) + " may not start: " + runtime::printable(reason, 600);
}

std::string remark(std::string_view guest, std::string_view text) {
    return "failover-ip: " + runtime::printable(guest, 80) + ": " + runtime::printable(text, 600);
}

}  // namespace fip::hooks
