#include "app/reserve.hpp"

#include "app/claim.hpp"
#include "core/errors.hpp"
#include "core/hostname.hpp"

#include <algorithm>

namespace fip {
namespace {

const PoolSettings& chosen_pool(const Settings& settings, const std::string& name) {
    if (!name.empty()) {
        const auto found = settings.pools.find(name);
        if (found == settings.pools.end()) throw InputError{"no pool \"" + name + "\" is configured"};
        return found->second;
    }
    const PoolSettings* only = nullptr;
    for (const auto& [key, pool] : settings.pools) {
        if (pool.is_default) return pool;
        if (only != nullptr)
            throw InputError{"there are several pools, say which: --pool " + only->name + " or another"};
        only = &pool;
    }
    if (only == nullptr) throw InputError{"no pool is configured"};
    return *only;
}

void check(const Reservation& wish) {
    if (wish.guest_name.empty() || wish.guest_name.size() > 255)
        throw InputError{"a guest's name has 1 to 255 characters"};
    if (wish.guest_name.find('\0') != std::string::npos) throw InputError{"a guest's name holds no NUL"};
    const auto probe = expand_hostname(wish.hostname, {"name", {GuestKind::libvirt, "uuid"}, Address{}, "host"});
    if (!wish.hostname.empty() && probe.empty()) throw InputError{"not a DNS name: \"" + wish.hostname + "\""};
}

void name_lease(const Context& context, Lease& lease, const Reservation& wish, const std::string& name) {
    lease.is_name_chosen = !wish.hostname.empty();
    wish_hostname(lease, expand_hostname(name, {wish.guest_name, GuestId{}, lease.address, context.settings.host_name}),
                  context.traits.at(lease.provider).has_rdns, context.clock.now().wall);
}

}  // namespace

std::variant<Lease, PoolExhausted> reserve(const Context& context, const Reservation& wish) {
    check(wish);
    const auto& pool = chosen_pool(context.settings, wish.pool);
    std::variant<Lease, PoolExhausted> result = PoolExhausted{};
    context.store.write([&](Rows& rows) {
        for (auto& held : rows.leases.named(wish.guest_name)) {
            if (!is_held(held.state)) continue;
            if (held.guest) {
                throw InputError{"the guest " + wish.guest_name + " has " + held.address.text() + " already"};
            }
            if (held.pool != pool.name) continue;
            if (!wish.hostname.empty()) {
                name_lease(context, held, wish, wish.hostname);
                rows.leases.put(held);
            }
            result = held;
            return;
        }
        auto claimed = claim(context, rows, {{std::nullopt, wish.guest_name}, "", "", 0, pool.name, "", {}});
        if (const auto* nothing = std::get_if<NothingFree>(&claimed)) {
            result = PoolExhausted{nothing->text};
            return;
        }
        auto lease = std::get<Lease>(std::move(claimed));
        name_lease(context, lease, wish, wish.hostname.empty() ? pool.hostname : wish.hostname);
        rows.leases.put(lease);
        result = lease;
    });
    return result;
}

std::vector<Happening> release(const Context& context, const std::vector<Address>& addresses) {
    std::vector<Happening> happenings;
    context.store.write([&](Rows& rows) {
        for (const auto& address : addresses) {
            const auto lease = rows.leases.find(address);
            if (!lease || is_stock(lease->state)) throw InputError{address.text() + " has no lease"};
            if (!is_held(lease->state)) continue;
            begin_release(context, rows, *lease);
            happenings.push_back({Happening::Level::info, "lease-released", lease->guest, lease->guest_name, address,
                                  "given back by hand"});
        }
    });
    return happenings;
}

}  // namespace fip
