#include "app/pools.hpp"

#include <algorithm>
#include <map>

namespace fip {
namespace {

PoolAddress view_of(const ProviderAddress& facts, const Lease* row, const std::string& server, bool has_api) {
    PoolAddress view;
    view.address = facts.address;
    auto seen = facts;
    if (!has_api) seen.mac.reset();  // a configured MAC was made by nobody else
    view.state = pool_state(seen, row, server);
    // What a provider without an API cannot say, our own row does.
    view.mac = has_api || row == nullptr ? facts.mac : row->mac;
    view.server = facts.server;
    view.reverse = facts.reverse;
    return view;
}

}  // namespace

std::size_t PoolView::count(PoolState state) const {
    return static_cast<std::size_t>(std::count_if(addresses.begin(), addresses.end(),
                                                  [&](const PoolAddress& address) { return address.state == state; }));
}

std::vector<PoolView> view_pools(const Context& context) {
    std::map<std::string, PoolView> views;
    for (const auto& [name, pool] : context.settings.pools) views[name] = PoolView{name, pool.provider, 0, {}};
    context.store.read([&](const Rows& rows) {
        for (const auto& [provider, settings] : context.settings.providers) {
            std::map<Address, Lease> leases;
            for (auto& lease : rows.leases.all(provider)) leases.emplace(lease.address, lease);
            auto known = rows.provider.addresses(provider);
            for (const auto& [address, lease] : leases) {
                const auto at =
                    std::lower_bound(known.begin(), known.end(), address,
                                     [](const ProviderAddress& a, const Address& b) { return a.address < b; });
                // A row without any list behind it, because the configuration dropped the address.
                if (at == known.end() || at->address != address) known.insert(at, {address, {}, {}, {}, 2});
            }
            for (const auto& facts : known) {
                const auto row = leases.find(facts.address);
                const auto* lease = row == leases.end() ? nullptr : &row->second;
                const auto* pool = pool_of(context.settings, provider, facts.address);
                const bool is_ours = lease != nullptr && views.contains(lease->pool);
                if (!is_ours && pool == nullptr) continue;
                auto& view = views[is_ours ? lease->pool : pool->name];
                view.addresses.push_back(view_of(facts, lease, settings.server, context.traits.at(provider).has_api));
            }
        }
        for (const auto& note : rows.guests.notes(NoteKind::waiting)) {
            if (const auto view = views.find(note.pool); view != views.end()) ++view->second.waiting;
        }
    });
    std::vector<PoolView> ordered;
    ordered.reserve(views.size());
    for (auto& [name, view] : views) ordered.push_back(std::move(view));
    return ordered;
}

}  // namespace fip
