#include "app/claim.hpp"

#include <algorithm>
#include <vector>

namespace fip {
namespace {

/// Guests that have waited longer than the claimant for an address of the pool.
std::size_t waiting_before(const Rows& rows, const ClaimRequest& request) {
    std::size_t before = 0;
    for (const auto& note : rows.guests.notes(NoteKind::waiting)) {
        if (note.pool != request.pool) continue;
        const bool is_own = request.claimant.guest && note.guest == *request.claimant.guest;
        if (is_own) break;
        ++before;
    }
    return before;
}

/// Two NICs must not get the MAC that the addresses of one shared: while it is taken back, first stays first.
bool shares_old_mac(const Lease& row, const ClaimRequest& request) {
    return row.state == LeaseState::releasing && (row.ordinal == 0) != (request.ordinal == 0);
}

std::optional<Candidate> last_held(const Context& context, const Rows& rows, const ClaimRequest& request,
                                   const PoolSettings& pool) {
    auto former = rows.leases.named(request.claimant.name);
    if (request.claimant.guest) {
        const auto own = rows.leases.of_guest(*request.claimant.guest);
        former.insert(former.begin(), own.begin(), own.end());
    }
    for (const auto& lease : former) {
        if (is_held(lease.state) || is_stock(lease.state) || shares_old_mac(lease, request)) continue;
        const auto facts = rows.provider.find(lease.address);
        if (facts && is_claimable(context.settings, pool, *facts, &lease, request.claimant, context.clock.now().wall)) {
            return Candidate{*facts, lease};
        }
    }
    return {};
}

/// The configured address of the MAC that the NIC wears: a set-up by hand goes on as it was.
std::optional<Candidate> of_worn_mac(const Context& context, const Rows& rows, const ClaimRequest& request,
                                     const PoolSettings& pool) {
    if (!request.worn) return {};
    for (const auto& fixed : context.settings.providers.at(pool.provider).fixed) {
        if (fixed.mac != request.worn) continue;
        const auto facts = rows.provider.find(fixed.address);
        const auto row = rows.leases.find(fixed.address);
        const auto* lease = row ? &*row : nullptr;
        const auto now = context.clock.now().wall;
        if (facts && is_claimable(context.settings, pool, *facts, lease, request.claimant, now)) {
            return Candidate{*facts, row};
        }
    }
    return {};
}

std::optional<Candidate> first_free(const Context& context, const Rows& rows, const ClaimRequest& request,
                                    const PoolSettings& pool) {
    auto to_skip = waiting_before(rows, request);
    const auto now = context.clock.now().wall;
    std::optional<Candidate> chosen;
    rows.provider.candidates(pool.provider, [&](const Candidate& candidate) {
        const auto* row = candidate.row ? &*candidate.row : nullptr;
        if (!is_claimable(context.settings, pool, candidate.facts, row, request.claimant, now)) return true;
        if (row != nullptr && shares_old_mac(*row, request)) return true;
        if (to_skip > 0) {
            --to_skip;
            return true;
        }
        // A further address of a NIC shares a MAC: it should not use up a warm one of its own.
        const bool is_warm = row != nullptr && is_stock(row->state);
        if (!chosen) chosen = candidate;
        if (request.ordinal == 0 || !is_warm) {
            chosen = candidate;
            return false;
        }
        return true;
    });
    return chosen;
}

std::optional<Mac> fixed_mac(const Context& context, const std::string& provider, const Address& address) {
    for (const auto& fixed : context.settings.providers.at(provider).fixed) {
        if (fixed.address == address) return fixed.mac;
    }
    return {};
}

/// A MAC for a provider that issues none; no other lease may have it.
Mac local_mac(const Context& context, const Rows& rows) {
    while (true) {
        const auto mac = Mac::local(context.random());
        if (rows.leases.with_mac(mac).empty()) return mac;
    }
}

std::optional<Mac> mac_of_first(const Rows& rows, const ClaimRequest& request) {
    if (!request.claimant.guest || request.ordinal == 0) return {};
    for (const auto& lease : rows.leases.of_guest(*request.claimant.guest)) {
        if (is_held(lease.state) && lease.slot == request.slot && lease.ordinal == 0) return lease.mac;
    }
    return {};
}

Lease lease_of(const Context& context, const Rows& rows, const ClaimRequest& request, const PoolSettings& pool,
               const Candidate& candidate) {
    Lease lease = candidate.row.value_or(Lease{});
    const auto before = candidate.row ? candidate.row->state : LeaseState::cooling;
    lease.address = candidate.facts.address;
    lease.provider = pool.provider;
    lease.pool = pool.name;
    lease.guest = request.claimant.guest;
    lease.guest_name = request.claimant.name;
    lease.origin = request.origin;
    lease.slot = request.slot;
    lease.bridge = request.bridge;
    lease.ordinal = request.ordinal;
    lease.since = context.clock.now().wall;
    lease.cooling_until.reset();
    lease.state = LeaseState::pending;
    if (!context.traits.at(pool.provider).has_api) {
        const auto shared = mac_of_first(rows, request);
        const auto fixed = fixed_mac(context, pool.provider, lease.address);
        lease.mac = shared ? shared : fixed ? fixed : local_mac(context, rows);
        lease.state = LeaseState::active;
    } else if (before == LeaseState::warm && request.ordinal == 0 && candidate.facts.mac == lease.mac) {
        lease.state = LeaseState::active;
    } else if (before == LeaseState::releasing || before == LeaseState::warm) {
        lease.mac.reset();  // on its way out: only a new read tells what is there
    }
    return lease;
}

/// The provider may show a name that we set for it.
bool has_touched_name(const Lease& lease) {
    return lease.rdns != RdnsState::none && (lease.rdns != RdnsState::pending || lease.rdns_tries > 0);
}

}  // namespace

std::variant<Lease, NothingFree> claim(const Context& context, Rows& rows, const ClaimRequest& request) {
    const auto& pool = context.settings.pools.at(request.pool);
    auto candidate = of_worn_mac(context, rows, request, pool);
    if (!candidate) candidate = last_held(context, rows, request, pool);
    if (!candidate) candidate = first_free(context, rows, request, pool);
    if (!candidate) {
        const auto before = waiting_before(rows, request);
        auto text = "the pool \"" + pool.name + "\" has no free address";
        if (before > 0) text += " (" + std::to_string(before) + " waiting before it)";
        return NothingFree{text + ": see failover-ip pool list"};
    }
    const auto lease = lease_of(context, rows, request, pool, *candidate);
    rows.leases.put(lease);
    return lease;
}

void begin_release(const Context& context, Rows& rows, const Lease& lease) {
    const auto facts = rows.provider.find(lease.address);
    const auto provider = context.settings.providers.find(lease.provider);
    const bool is_known = facts && provider != context.settings.providers.end();
    const bool is_elsewhere = is_known && facts->server && *facts->server != provider->second.server;
    const bool is_gone = facts && facts->missing >= 2;
    const bool is_untouched = !lease.mac && !lease.is_mac_asked && !lease.routed_at && !has_touched_name(lease);
    if (lease.state == LeaseState::away || is_elsewhere || is_gone || is_untouched) {
        rows.leases.erase(lease.address);
        return;
    }
    auto row = lease;
    row.state = LeaseState::releasing;
    row.retry_at.reset();
    const auto traits = context.traits.find(lease.provider);
    const auto pool = context.settings.pools.find(lease.pool);
    if (traits != context.traits.end() && !traits->second.has_api) {
        // Nothing to give back at the provider: straight to the quarantine.
        const auto cooldown =
            pool == context.settings.pools.end() ? std::chrono::milliseconds{0} : pool->second.cooldown;
        if (cooldown.count() == 0) {
            rows.leases.erase(lease.address);
            return;
        }
        row.state = LeaseState::cooling;
        row.cooling_until = context.clock.now().wall + cooldown;
        row.mac.reset();
        row.hostname.clear();
    }
    rows.leases.put(row);
}

}  // namespace fip
