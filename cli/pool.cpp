#include "pool.hpp"

#include "app/pools.hpp"
#include "app/settle.hpp"
#include "core/errors.hpp"
#include "lease_view.hpp"
#include "programs.hpp"
#include "providers.hpp"
#include "render.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <array>

namespace fip::cli {
namespace {

constexpr std::array states{PoolState::free,    PoolState::warm,      PoolState::leased, PoolState::cooling,
                            PoolState::foreign, PoolState::elsewhere, PoolState::gone};

boost::json::value or_null(const std::optional<std::string>& text) {
    if (!text || text->empty()) return nullptr;
    return boost::json::string{utf8(*text)};
}

boost::json::object json_of(const PoolView& view) {
    boost::json::object object;
    object["pool"] = view.pool;
    object["provider"] = view.provider;
    object["total"] = view.addresses.size();
    for (const auto state : states) object[name_of(state)] = view.count(state);
    object["waiting"] = view.waiting;
    auto& addresses = object["addresses"].emplace_array();
    for (const auto& address : view.addresses) {
        boost::json::object entry;
        entry["address"] = address.address.text();
        entry["state"] = name_of(address.state);
        entry["mac"] = or_null(address.mac ? std::optional{address.mac->text()} : std::nullopt);
        entry["server"] = or_null(address.server);
        entry["reverse"] = or_null(address.reverse);
        addresses.push_back(std::move(entry));
    }
    return object;
}

std::string table_of(const std::vector<PoolView>& views) {
    Table table{
        {"POOL", "PROVIDER", "TOTAL", "FREE", "WARM", "LEASED", "COOLING", "FOREIGN", "ELSEWHERE", "GONE", "WAITING"}};
    for (const auto& view : views) {
        std::vector<Cell> row{{view.pool}, {view.provider}, {std::to_string(view.addresses.size())}};
        for (const auto state : states) row.push_back({std::to_string(view.count(state))});
        row.push_back({std::to_string(view.waiting), view.waiting > 0 ? Colour::red : Colour::none});
        table.add(std::move(row));
    }
    return table.text(wants_colour(STDOUT_FILENO));
}

// Why the numbers may be old; for people, so on stderr.
void tell_state_of_providers(const Context& context) {
    const auto now = context.clock.now().wall;
    context.store.read([&](const Rows& rows) {
        for (const auto& [name, settings] : context.settings.providers) {
            if (!context.traits.at(name).has_api) continue;
            const auto status = rows.provider.status(name);
            if (!status.synced_at) {
                complain(
                    fmt::format("provider {} was not read yet: start the daemon, or: failover-ip pool sync", name));
            }
            if (!status.last_error.empty())
                complain(fmt::format("provider {}: {}", name, shown(status.last_error, 300)));
            if (status.backoff_until && *status.backoff_until > now) {
                complain(fmt::format("provider {} is left alone until {}", name, rfc3339(*status.backoff_until)));
            }
        }
    });
}

boost::json::object planned_json(const Context& context, const std::string& provider) {
    boost::json::object object;
    object["provider"] = provider;
    context.store.read(
        [&](const Rows& rows) { object["problem"] = or_null(rows.provider.status(provider).last_error); });
    auto& steps = object["steps"].emplace_array();
    for (const auto& step : planned_provider_steps(context, provider)) {
        boost::json::object entry;
        entry["address"] = or_null(step.address ? std::optional{step.address->text()} : std::nullopt);
        entry["text"] = utf8(step.text);
        steps.push_back(std::move(entry));
    }
    return object;
}

int print_planned(Workplace& workplace, const std::string& only, Form form) {
    boost::json::array array;
    for (const auto& [name, settings] : workplace.settings().providers) {
        if (!only.empty() && only != name) continue;
        if (form == Form::json) {
            array.push_back(planned_json(workplace.context(Mode::dry_run), name));
            continue;
        }
        const auto steps = planned_provider_steps(workplace.context(Mode::dry_run), name);
        if (steps.empty()) complain(fmt::format("provider {}: no address waits for a step", name));
        for (const auto& step : steps) {
            print(fmt::format("{} {}: {}\n", name, step.address ? step.address->text() : "-", shown(step.text, 400)));
        }
    }
    if (form == Form::json) {
        print(boost::json::serialize(array) + "\n");
    } else {
        tell_state_of_providers(workplace.context(Mode::dry_run));
    }
    return 0;
}

}  // namespace

int list_pools(Workplace& workplace, Form form) {
    take_in_configured(workplace);
    const auto context = workplace.context(Mode::act);
    const auto views = view_pools(context);
    if (form == Form::json) {
        boost::json::array array;
        for (const auto& view : views) array.push_back(json_of(view));
        print(boost::json::serialize(array) + "\n");
        return 0;
    }
    print(table_of(views));
    tell_state_of_providers(context);
    return 0;
}

int sync_pools(Workplace& workplace, const std::string& provider, Form form, Mode mode) {
    if (!provider.empty() && !workplace.settings().providers.contains(provider)) {
        throw InputError{"no provider \"" + shown(provider) + "\" is configured"};
    }
    if (mode == Mode::dry_run) return print_planned(workplace, provider, form);
    std::vector<std::string> arguments{"sync", "--config", workplace.config().string()};
    if (!provider.empty()) arguments.insert(arguments.end(), {"--provider", provider});
    if (form == Form::json) arguments.emplace_back("--json");
    const auto ran = run_program("failover-ip-provider", arguments, Streams::ours);
    return ran.exit_code == 0 && form == Form::people ? list_pools(workplace, form) : ran.exit_code;
}

}  // namespace fip::cli
