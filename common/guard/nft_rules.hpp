#pragma once

#include "core/guard.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace fip::guard {

inline constexpr std::string_view table_name = "failover_ip";
inline constexpr std::uint16_t log_group = 4660;  ///< NFLOG: who was blocked, once per sender and 10 minutes.

enum class Renewal {
    update,  ///< Fill what stands: counts stay.
    afresh,  ///< Delete our tables in the same batch, and make them again: counts begin anew.
};

/// What stands of ours, and where it can hang.
struct Standing {
    bool has_bridge_table = false;  ///< With its counting sets.
    bool has_netdev_table = false;
    std::map<std::string, std::string> egress{};  ///< Our egress chains; the device each hangs on, or empty.
    std::set<std::string> devices{};              ///< Uplinks that exist now.
};

/// How many rules each chain of ours has.
using RuleCounts = std::map<std::string, std::size_t>;
[[nodiscard]] RuleCounts bridge_rule_counts();
[[nodiscard]] RuleCounts netdev_rule_counts(const std::set<std::string>& egress_chains);

/// Name of the chain on this uplink's egress: letters, digits, "_".
[[nodiscard]] std::string egress_chain(std::string_view uplink);

/// One batch for `nft -j -f -` that makes exactly these rules stand.
///
///     table bridge failover_ip               table netdev failover_ip
///       forward, output ─► check ─► sources    egress_UPLINK ─► check
///       postrouting     ─► check ─► sources
///
/// `check` counts and announces what may not leave, and drops it where the uplink is enforced. Frames of a
/// registered MAC go through `sources`: its ARP and IP senders must be held, tagged frames (802.1Q, 802.1ad, 0x9100
/// to 0x9300) may not leave, because a tag hides what is inside; every other ethertype passes.
///
/// @throws GuardError  an uplink's name that is none, or that nft cannot be given
[[nodiscard]] std::string rules_batch(const GuardRules& rules, const Standing& standing, Renewal renewal);

/// Deletes our table of this family, which must be there.
[[nodiscard]] std::string removal_batch(std::string_view family);

/// Begins the counts of blocked frames anew. Empty: there are none.
[[nodiscard]] std::string forget_batch(const Standing& standing);

}  // namespace fip::guard
