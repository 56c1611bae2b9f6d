#pragma once

#include "core/lease.hpp"
#include "core/provider_facts.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip {

/// The provider acts on an order within this time; an address that was routed to no server is ours only when a read
/// this long after our order shows it here (two servers of an account may have asked for it).
inline constexpr std::chrono::seconds routing_settles{30};

struct StepFacts {
    const Lease& lease;
    std::optional<ProviderAddress> facts;  ///< Last read; absent: never seen on a list.
    std::optional<Lease> first;            ///< For ordinal > 0: the lease of the same NIC with ordinal 0.
    std::string server;                    ///< This server, as the provider names it.
    ProviderTraits traits;
    std::chrono::milliseconds cooldown{};  ///< Of the lease's pool.
    std::optional<WallTime> synced_at;     ///< Time of the last read.
    WallTime now;
    bool is_fresh = true;  ///< No call of ours, nor another process, was at the provider since that read.
};

/// What to do next about one row of ours. `lease` is the row to store first: the intent of a call, or the whole step.
struct ProviderStep {
    enum class Kind {
        none,   ///< Nothing before the next read.
        wait,   ///< Nothing before `due`.
        read,   ///< A fresh read is needed before anything else.
        save,   ///< Store `lease`.
        erase,  ///< Drop the row.
        route,  ///< To this server.
        issue_mac,
        share_mac,  ///< From the NIC's first address.
        revoke_mac,
        set_reverse,  ///< To lease.hostname.
        reset_reverse,
    };
    Kind kind = Kind::none;
    Lease lease;
    WallTime due{};
    std::string why;  ///< For the log and --dry-run: a clause for people.
};

[[nodiscard]] ProviderStep next_step(const StepFacts& facts);

[[nodiscard]] std::string_view name_of(ProviderStep::Kind kind) noexcept;

/// Whether the step is a call that writes at the provider.
[[nodiscard]] bool is_call(ProviderStep::Kind kind) noexcept;

/// When a refused reverse name is tried again: after 1 min, doubling to 1 h.
[[nodiscard]] std::chrono::milliseconds rdns_delay(int tries) noexcept;

/// How long to leave a provider alone after `failures` in a row: 5 s doubling to 2 min, of which between a half and all
/// by `random`; at least what the provider asked for.
[[nodiscard]] std::chrono::milliseconds backoff_delay(int failures, std::uint64_t random,
                                                      std::chrono::seconds asked) noexcept;

/// A stored time as a wait from now: one further off than `longest` was written before the clock jumped, and counts as
/// over.
[[nodiscard]] bool is_over(WallTime due, WallTime now, std::chrono::milliseconds longest) noexcept;

}  // namespace fip
