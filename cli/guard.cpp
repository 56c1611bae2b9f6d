#include "guard.hpp"

#include "app/blocked.hpp"
#include "app/guard.hpp"
#include "guard/nft_guard.hpp"
#include "guard_view.hpp"
#include "providers.hpp"
#include "render.hpp"
#include "runtime/provider_lock.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace fip::cli {
namespace {

using namespace std::chrono_literals;

enum class Wish { up, down };

GuardView view_of(Workplace& workplace) {
    const auto context = workplace.context(Mode::act);
    const guard::NftGuard kernel;
    auto facts = guard_facts(context, kernel);
    facts.standing = kernel.state();
    GuardView view{plan_guard(facts), facts.standing, is_guard_down(context.store), {}};
    view.blocked = view_blocked(context, kernel, name_blocked);
    return view;
}

void show(const GuardView& view, Form form) {
    if (form == Form::json) {
        print(boost::json::serialize(json_of(view)) + "\n");
    } else {
        print(text_of(view, wants_colour(STDOUT_FILENO)));
    }
}

/// True: what is asked for stands everywhere.
bool stands_as_asked(const GuardView& view) {
    return std::all_of(view.plan.bridges.begin(), view.plan.bridges.end(), [&](const BridgeGuard& bridge) {
        const auto state = state_of(view, bridge);
        return bridge.problem.empty() && state != "down" && state != "partial";
    });
}

runtime::FileProviderLock lock_of(const Workplace& workplace) {
    return runtime::FileProviderLock{std::filesystem::path{workplace.settings().store_file}.parent_path()};
}

void refresh(Workplace& workplace) {
    guard::NftGuard kernel;
    auto lock = lock_of(workplace);
    GuardKeeper keeper{kernel, lock};
    (void)keeper.refresh(workplace.context(Mode::act), GuardKeeper::Depth::everything);
}

/// The kernel's counts go with the rules.
void keep_counts(Workplace& workplace) {
    guard::NftGuard kernel;
    auto lock = lock_of(workplace);
    try {
        (void)take_blocked(workplace.context(Mode::act), kernel, lock, name_blocked);
    } catch (const GuardError&) {
        // no reason to leave the rules up; taking them down meets the same trouble, and says so
    }
}

/// What `guard status` would say then.
GuardView planned(GuardView view, Wish wish) {
    view.is_down = wish == Wish::down;
    view.standing.clear();
    if (view.is_down) return view;
    for (const auto& rules : view.plan.rules) {
        view.standing.push_back({rules.uplink, rules.mode, true, rules.own.size() + rules.registered.size()});
    }
    return view;
}

int tell_planned(const GuardView& view, Wish wish, Form form) {
    if (form == Form::json) show(planned(view, wish), form);
    const auto* verb = wish == Wish::up ? "guarded" : "without a guard";
    int exit_code = 0;
    for (const auto& bridge : view.plan.bridges) {
        if (bridge.problem.empty() && form == Form::json) continue;
        if (bridge.problem.empty()) {
            for (const auto& uplink : bridge.uplinks) {
                print(fmt::format("{} would be {} ({})\n", uplink, verb, bridge.bridge));
            }
        } else {
            complain(shown(bridge.problem, 400));
            exit_code = 1;
        }
    }
    return exit_code;
}

}  // namespace

int guard_up(Workplace& workplace, Form form, Mode mode) {
    if (mode == Mode::dry_run) return tell_planned(view_of(workplace), Wish::up, form);
    set_guard_up(workplace.context(Mode::act).store);
    refresh(workplace);
    const auto view = view_of(workplace);
    if (form == Form::json) {
        show(view, form);
    } else {
        for (const auto& bridge : view.plan.bridges) {
            const auto state = state_of(view, bridge);
            print(fmt::format("{}: {}\n", bridge.bridge, state));
            if (!bridge.problem.empty()) complain(shown(bridge.problem, 400));
        }
    }
    return stands_as_asked(view) ? 0 : 1;
}

int guard_down(Workplace& workplace, Form form, Mode mode) {
    if (mode == Mode::dry_run) return tell_planned(view_of(workplace), Wish::down, form);
    keep_counts(workplace);
    set_guard_down(workplace.context(Mode::act));
    refresh(workplace);
    if (form == Form::json) show(view_of(workplace), form);
    complain(
        "the guard is down: unknown MACs may leave, and the provider may close the port; up again with failover-ip "
        "guard up, or at the next boot");
    return 0;
}

int guard_status(Workplace& workplace, Form form) {
    show(view_of(workplace), form);
    return 0;
}

void let_leases_out(Workplace& workplace) {
    if (poke_daemons(200ms)) return;
    try {
        refresh(workplace);
    } catch (const GuardError& error) {
        complain(error.what());  // the lease stands all the same
    }
}

}  // namespace fip::cli
