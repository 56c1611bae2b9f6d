#include "late_start.hpp"

#include "app/guard.hpp"
#include "app/start_claim.hpp"
#include "core/guard_plan.hpp"
#include "core/pool.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fip::hooks {
namespace {

constexpr const char* start_daemon = "systemctl start failover-ip-libvirt";

/// Why a frame of this guest might leave; empty: the guard is up at every uplink of these bridges.
std::string hole_in_guard(const LateStart& start, const std::vector<std::string>& bridges) {
    try {
        const auto guard = start.world.guard();
        auto facts = guard_facts(start.context, *guard);
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

std::string daemon_is_away(const std::string& reason) {
    return reason + "; the daemon that puts it right does not answer: " + start_daemon;
}

/// The stored definition, where there is one, is put right by a look.
std::string refused_for_now(const LateStart& start, const std::string& reason) {
    if (!start.world.ask_daemon("look " + start.guest.id.value)) return daemon_is_away(reason);
    return reason + "; failover-ip puts its stored definition right: try again";
}

/// A MAC that the provider still has to make is worth waiting for: it takes a second.
std::string claim(const LateStart& start) {
    const auto store = start.world.open_to_write(start.context.settings);
    const Context context{start.context.settings, start.context.traits, *store, start.context.clock,
                          start.context.random};
    for (bool is_first = true;; is_first = false) {
        const auto answer = claim_for_start(context, start.guest);
        if (answer.kind == StartClaim::Kind::ready) return "";
        if (answer.kind == StartClaim::Kind::refused) return answer.text;
        if (is_first && !start.world.ask_daemon("work")) return daemon_is_away(answer.text);
        if (!start.world.wait()) return answer.text + ": try again";
    }
}

}  // namespace

std::string answer_wrong_mac(const LateStart& start, const StartVerdict& verdict) {
    if (verdict.answer == StartAnswer::hopeless) return verdict.text;
    if (verdict.answer == StartAnswer::retry) return refused_for_now(start, verdict.text);
    const auto hole = hole_in_guard(start, verdict.bridges);
    if (verdict.answer == StartAnswer::guarded) return hole.empty() ? "" : verdict.text + " (" + hole + ")";
    if (!hole.empty()) return refused_for_now(start, verdict.text + ", and " + hole);
    if (!start.world.ask_daemon("starting")) return daemon_is_away(verdict.text);
    return claim(start);
}

bool passes_in_kernel(const Settings& settings, const Guest& guest, const World& world) {
    try {
        const auto guard = world.guard();
        std::vector<std::string> names;
        for (const auto& nic : guest.nics) {
            if (is_managed(settings, nic)) names.push_back(nic.bridge);
        }
        GuardFacts facts{settings, {}, guard->bridges(names), {}, guard->state()};
        const auto plan = plan_guard(facts);
        return std::all_of(guest.nics.begin(), guest.nics.end(), [&](const Nic& nic) {
            if (!is_managed(settings, nic)) return true;
            const auto* bridge = plan.find(nic.bridge);
            if (!nic.mac || bridge == nullptr || !is_guarded(*bridge, facts.standing)) return false;
            return std::all_of(bridge->uplinks.begin(), bridge->uplinks.end(),
                               [&](const std::string& uplink) { return guard->passes(uplink, *nic.mac); });
        });
    } catch (const GuardError& e) {
        world.log(std::string{"the guard cannot be read: "} + e.what());
        return false;
    }
}

}  // namespace fip::hooks
