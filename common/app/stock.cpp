#include "app/stock.hpp"

#include "core/pool.hpp"

#include <algorithm>
#include <vector>

namespace fip {
namespace {

std::vector<Lease> stock_of(const Rows& rows, const PoolSettings& pool) {
    std::vector<Lease> stock;
    for (auto& lease : rows.leases.all(pool.provider)) {
        if (lease.pool == pool.name && is_stock(lease.state)) stock.push_back(std::move(lease));
    }
    return stock;
}

bool has_waiting(const Rows& rows, const PoolSettings& pool) {
    const auto notes = rows.guests.notes(NoteKind::waiting);
    return std::any_of(notes.begin(), notes.end(), [&](const GuestNote& note) { return note.pool == pool.name; });
}

/// Free addresses to warm, those that are routed here already first: they need no 30 s of routing.
std::vector<Address> to_warm(const Context& context, const Rows& rows, const PoolSettings& pool, std::size_t missing) {
    std::vector<Address> here;
    std::vector<Address> unrouted;
    const auto now = context.clock.now().wall;
    rows.provider.candidates(pool.provider, [&](const Candidate& candidate) {
        const bool is_free = !candidate.row && is_claimable(context.settings, pool, candidate.facts, nullptr, {}, now);
        if (is_free) (candidate.facts.server ? here : unrouted).push_back(candidate.facts.address);
        return here.size() < missing;
    });
    here.insert(here.end(), unrouted.begin(), unrouted.end());
    here.resize(std::min(here.size(), missing));
    return here;
}

}  // namespace

bool restock(const Context& context, Rows& rows, const std::string& provider) {
    if (!context.traits.at(provider).has_api) return false;
    bool has_changed = false;
    for (const auto& [name, pool] : context.settings.pools) {
        if (pool.provider != provider) continue;
        const auto stock = stock_of(rows, pool);
        const auto wanted = static_cast<std::size_t>(pool.warm);
        for (std::size_t i = wanted; i < stock.size(); ++i) {
            auto surplus = stock[i];
            surplus.state = LeaseState::releasing;
            rows.leases.put(surplus);
            has_changed = true;
        }
        if (stock.size() >= wanted || has_waiting(rows, pool)) continue;
        for (const auto& address : to_warm(context, rows, pool, wanted - stock.size())) {
            Lease lease;
            lease.address = address;
            lease.provider = provider;
            lease.pool = name;
            lease.state = LeaseState::warming;
            lease.since = context.clock.now().wall;
            rows.leases.put(lease);
            has_changed = true;
        }
    }
    return has_changed;
}

}  // namespace fip
