#include "lease.hpp"

#include "core/errors.hpp"
#include "daemon/shown_id.hpp"
#include "guard.hpp"
#include "guests.hpp"
#include "hypervisors.hpp"
#include "lease_view.hpp"
#include "providers.hpp"
#include "render.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

namespace fip::cli {
namespace {

using namespace std::chrono_literals;

constexpr int unavailable = 3;
constexpr int exhausted = 4;

std::string holder(const Lease& lease) {
    if (lease.guest) return lease.guest_name.empty() ? std::string{daemon::shown_id(*lease.guest)} : lease.guest_name;
    return is_held(lease.state) ? "reserved for " + lease.guest_name : lease.guest_name;
}

std::string when(WallTime time) {
    if (time == WallTime{}) return "";
    auto text = rfc3339(time);
    text[text.find('T')] = ' ';
    text.pop_back();
    return text;
}

std::string table_of(const Workplace& workplace, const std::vector<LeaseView>& views) {
    const bool has_pools = workplace.settings().pools.size() > 1;
    std::vector<std::string> headings{"ADDRESS", "MAC", "STATE", "GUEST", "NIC", "HOSTNAME", "RDNS", "SINCE (UTC)"};
    if (has_pools) headings.emplace_back("POOL");
    Table table{std::move(headings)};
    for (const auto& view : views) {
        const auto& lease = view.lease;
        std::vector<Cell> row{{lease.address.text()},
                              {lease.mac ? lease.mac->text() : ""},
                              {std::string{name_of(lease.state)}, colour_of(lease.state)},
                              {holder(lease)},
                              {lease.slot},
                              {lease.hostname},
                              {std::string{rdns_word(lease.rdns)}, colour_of(lease.rdns)},
                              {when(lease.since)}};
        if (has_pools) row.push_back({lease.pool});
        table.add(std::move(row));
    }
    return table.text(wants_colour(STDOUT_FILENO));
}

std::optional<LeaseView> find_lease(const Workplace& workplace, const Context& context, const Address& address) {
    std::optional<LeaseView> view;
    context.store.read([&](const Rows& rows) {
        if (const auto lease = rows.leases.find(address)) view = view_of(workplace, rows, *lease);
    });
    return view;
}

std::variant<Lease, PoolExhausted> reserve_one(Workplace& workplace, const Reservation& wish, Mode mode) {
    if (mode == Mode::act) take_in_configured(workplace);
    auto result = reserve(workplace.context(mode), wish);
    if (!std::holds_alternative<PoolExhausted>(result) || mode == Mode::dry_run) return result;
    // What we know may be old, or nothing was read yet.
    if (!refresh(workplace, wish.pool)) return result;
    return reserve(workplace.context(mode), wish);
}

void print_lease(const LeaseView& view, Form form) {
    if (form == Form::json) {
        print(boost::json::serialize(json_of(view)) + "\n");
    } else {
        print(fmt::format("{} {}\n", view.lease.address.text(), view.lease.mac ? view.lease.mac->text() : "-"));
    }
}

// stdout is for scripts; a person at a terminal is told what to do with it.
void hint(const Workplace& workplace, const Lease& lease) {
    if (!is_terminal(STDERR_FILENO) || !lease.mac) return;
    const auto pool = workplace.settings().pools.find(lease.pool);
    if (pool == workplace.settings().pools.end() || pool->second.bridges.empty()) return;
    complain(fmt::format("{} is reserved for {} until `failover-ip lease release {}`; define the guest with this MAC:",
                         lease.address.text(), shown(lease.guest_name), lease.address.text()));
    const auto name = shown(lease.guest_name);
    const auto& bridge = pool->second.bridges.front();
    for (const auto& hypervisor : hypervisors()) {
        complain(hypervisor.kind == GuestKind::proxmox
                     ? fmt::format("  qm create VMID --name {} --net0 virtio={},bridge={} ...", name, lease.mac->text(),
                                   bridge)
                     : fmt::format("  virt-install --name {} --network bridge={},mac={} ...", name, bridge,
                                   lease.mac->text()));
    }
}

int acquired(Workplace& workplace, const Lease& lease, Form form) {
    auto view = find_lease(workplace, workplace.context(Mode::act), lease.address);
    if (!view) throw std::runtime_error{lease.address.text() + " was given back meanwhile by somebody else"};
    int exit_code = 0;
    if (view->lease.state == LeaseState::pending) {
        exit_code = settle_addresses(workplace, {lease.address});
        view = find_lease(workplace, workplace.context(Mode::act), lease.address);
    }
    if (view && view->lease.state == LeaseState::active) {
        if (!workplace.traits(view->lease.provider).has_api) let_leases_out(workplace);
        print_lease(*view, form);
        hint(workplace, view->lease);
        return 0;
    }
    complain(
        fmt::format("{} stays reserved for {}, but the provider has not confirmed its MAC yet; "
                    "repeat the command to go on",
                    lease.address.text(), shown(lease.guest_name)));
    return exit_code == 0 ? unavailable : exit_code;
}

std::vector<Lease> leases_at(const Context& context, const std::vector<Address>& addresses) {
    std::vector<Lease> leases;
    context.store.read([&](const Rows& rows) {
        for (const auto& address : addresses) {
            const auto lease = rows.leases.find(address);
            if (!lease || is_stock(lease->state)) throw InputError{address.text() + " has no lease"};
            leases.push_back(*lease);
        }
    });
    return leases;
}

// A lease ends by hand only when it is certain that its guest is gone.
std::string why_not(const Lease& lease, const GuestsOfHost& host) {
    if (const auto* guest = host.find(*lease.guest)) {
        return fmt::format("{} belongs to the guest {}, which exists; {} it and its address is given back",
                           lease.address.text(), shown(guest->name),
                           lease.guest->kind == GuestKind::proxmox ? "remove" : "undefine");
    }
    if (std::ranges::find(host.origins, lease.origin) != host.origins.end()) return "";
    auto text = fmt::format("{}: it is not known whether its guest {} still exists", lease.address.text(),
                            shown(lease.guest_name));
    const auto gaps = host.gaps_of(lease.guest->kind);
    for (const auto& gap : gaps) text += "; " + shown(gap);
    if (gaps.empty()) text += "; its host and driver (" + shown(lease.origin) + ") are not among the listed ones";
    return text;
}

// A guest may wear a reserved MAC before the daemon has seen it.
std::string why_not_reserved(const Lease& lease, const GuestsOfHost& host) {
    for (const auto& guest : host.guests) {
        const bool wears = lease.mac && std::ranges::any_of(guest.nics, [&](const NicOfHost& nic) {
                               return nic.mac == lease.mac->text();
                           });
        if (wears) return fmt::format("{} is worn by the guest {}", lease.address.text(), shown(guest.name));
    }
    return "";
}

std::vector<std::string> objections(const Workplace& workplace, const std::vector<Lease>& leases) {
    std::vector<Lease> asked;
    std::ranges::copy_if(leases, std::back_inserter(asked), [&](const Lease& lease) {
        const bool has_api =
            workplace.settings().providers.contains(lease.provider) && workplace.traits(lease.provider).has_api;
        return is_held(lease.state) && (lease.guest.has_value() || has_api);
    });
    if (asked.empty()) return {};
    const auto host = ask_host(workplace);
    std::vector<std::string> result;
    for (const auto& lease : asked) {
        auto text = lease.guest ? why_not(lease, host) : why_not_reserved(lease, host);
        if (!text.empty()) result.push_back(std::move(text));
    }
    return result;
}

// True: the provider's side was done, or somebody will do it.
bool give_back_at_providers(const Workplace& workplace, const std::vector<Lease>& leases) {
    const auto with_api = [&](const Lease& lease) {
        return workplace.settings().providers.contains(lease.provider) && workplace.traits(lease.provider).has_api;
    };
    if (std::ranges::none_of(leases, with_api)) {
        static_cast<void>(poke_daemons(5ms));  // somebody may wait for the address; without a daemon nobody does
        return true;
    }
    if (poke_daemons(200ms)) return true;
    std::vector<Address> addresses;
    for (const auto& lease : leases) {
        if (with_api(lease)) addresses.push_back(lease.address);
    }
    return settle_addresses(workplace, addresses) == 0;
}

}  // namespace

int list_leases(Workplace& workplace, Form form) {
    std::vector<LeaseView> views;
    if (workplace.has_store()) {
        views = all_leases(workplace);
    } else {
        complain("there is no lease store yet: " + workplace.settings().store_file);
    }
    if (form == Form::json) {
        boost::json::array array;
        for (const auto& view : views) array.push_back(json_of(view));
        print(boost::json::serialize(array) + "\n");
    } else if (!views.empty()) {
        print(table_of(workplace, views));
    } else if (is_terminal(STDOUT_FILENO)) {
        print("No leases.\n");
    }
    return 0;
}

int acquire_lease(Workplace& workplace, const Reservation& wish, Form form, Mode mode) {
    const auto result = reserve_one(workplace, wish, mode);
    if (const auto* nothing = std::get_if<PoolExhausted>(&result)) {
        complain(nothing->text);
        return exhausted;
    }
    const auto& lease = std::get<Lease>(result);
    if (mode == Mode::act) return acquired(workplace, lease, form);
    if (form == Form::json) {
        workplace.context(mode).store.read(
            [&](const Rows& rows) { print_lease(view_of(workplace, rows, lease), form); });
        return 0;
    }
    print(fmt::format("{} would be reserved for {} in pool {}\n", lease.address.text(), shown(wish.guest_name),
                      lease.pool));
    return 0;
}

int release_leases(Workplace& workplace, const std::vector<Address>& addresses, Mode mode) {
    if (!workplace.has_store()) throw InputError{addresses.front().text() + " has no lease"};
    const auto leases = leases_at(workplace.context(mode), addresses);
    const auto against = objections(workplace, leases);
    for (const auto& text : against) complain(text);
    if (!against.empty()) return 1;

    for (const auto& done : release(workplace.context(mode), addresses)) {
        print(fmt::format("{} {}\n", done.address->text(), mode == Mode::act ? "released" : "would be released"));
    }
    if (mode == Mode::dry_run || give_back_at_providers(workplace, leases)) return 0;
    complain("released here; the provider's side is done as soon as it answers and the daemon runs");
    return unavailable;
}

}  // namespace fip::cli
