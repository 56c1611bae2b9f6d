#include "app/provider_list.hpp"

#include "app/guard.hpp"
#include "core/guard_plan.hpp"
#include "core/snapshot.hpp"

#include <utility>

namespace fip {
namespace {

void update_guard_set(const Context& context, Rows& rows, const std::string& provider,
                      const std::vector<ProviderAddress>& list, StoredList& stored) {
    const auto before = rows.guard.macs(provider);
    const auto& server = context.settings.providers.at(provider).server;
    const auto next = next_guard_set(before, list, server, context.clock.now(), context.settings.grace);
    if (next.lacking > 0) {
        stored.doubt = Happening{
            Happening::Level::warning,
            "guard-list-doubted",
            {},
            "",
            {},
            "provider \"" + provider + "\": its list lacks " + std::to_string(next.lacking) + " of " +
                std::to_string(before.size()) +
                " virtual MACs at once; they may leave as before: if it is right, failover-ip guard down, then up"};
    }
    const bool is_first = rows.guests.value(guard_set_key(provider)).empty();
    if (is_first) rows.guests.set_value(guard_set_key(provider), "made");
    stored.has_guard_changed = stored.has_guard_changed || is_first;
    if (next.macs == before) return;
    rows.guard.replace(provider, next.macs);
    stored.has_guard_changed = true;
}

}  // namespace

StoredList store_list(const Context& context, const std::string& provider, const FreshList& fresh) {
    StoredList stored;
    context.store.write([&](Rows& rows) {
        stored = {};
        const auto remembered = rows.provider.addresses(provider);
        const auto merged = merge_snapshot(
            remembered, fresh.addresses, [&](const Address& address) { return rows.leases.find(address).has_value(); });
        stored.has_changed = merged != remembered;
        if (stored.has_changed) rows.provider.replace(provider, merged);
        auto known = rows.provider.status(provider);
        stored.has_guard_changed = known.server_macs != fresh.server_macs;
        known.server_macs = fresh.server_macs;
        known.synced_at = fresh.started.wall;
        known.synced_boot = fresh.started.boot_id;
        known.backoff_until.reset();
        known.last_error.clear();
        rows.provider.set_status(provider, known);
        auto allowed = merged;
        for (auto& entry : allowed) {
            if (fresh.revoked.contains(entry.address)) entry.mac.reset();
        }
        update_guard_set(context, rows, provider, allowed, stored);
    });
    return stored;
}

}  // namespace fip
