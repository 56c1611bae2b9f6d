#pragma once

#include "core/guest.hpp"
#include "core/lease.hpp"
#include "core/provider_facts.hpp"
#include "core/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fip {

/// States of an address in its pool: disjoint, they sum up to the pool's total.
enum class PoolState { free, warm, leased, cooling, foreign, elsewhere, gone };
[[nodiscard]] std::string_view name_of(PoolState state) noexcept;

/// NIC of a type we manage, untagged, on a bridge that some pool lists.
[[nodiscard]] bool is_managed(const Settings& settings, const Nic& nic);

struct PoolChoice {
    const PoolSettings* pool = nullptr;
    std::string problem;  ///< Why there is none, for people.
};

/// The pool that serves a managed bridge: the requested one, else the bridge's default, else its only one.
[[nodiscard]] PoolChoice pool_for(const Settings& settings, const std::string& bridge,
                                  const std::optional<Request>& request);

/// The pool that an address of the provider belongs to by the pools' filters; null: none.
[[nodiscard]] const PoolSettings* pool_of(const Settings& settings, std::string_view provider, const Address& address);

/// @param row  our row of the address, or null
[[nodiscard]] PoolState pool_state(const ProviderAddress& facts, const Lease* row, std::string_view server);

/// Who asks for an address.
struct Claimant {
    std::optional<GuestId> guest;
    std::string name;
};

/// May this address be given to the claimant now? On the list, in the pool, routed here or nowhere, not somebody's,
/// no MAC that is not ours, not cooling unless the claimant was its last holder.
[[nodiscard]] bool is_claimable(const Settings& settings, const PoolSettings& pool, const ProviderAddress& facts,
                                const Lease* row, const Claimant& claimant, WallTime now);

}  // namespace fip
