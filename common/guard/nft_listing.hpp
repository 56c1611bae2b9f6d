#pragma once

#include "core/guard.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fip::guard {

/// One element of a set, as texts: a device, a MAC.
struct SetElement {
    std::vector<std::string> key;
    std::uint64_t packets = 0;  ///< 0 where the set does not count.
    std::uint64_t bytes = 0;
};

/// Chains of a table in `nft -j -t list table`: how many rules each has.
/// @throws GuardError  not what nft prints: cut, no JSON, members missing
[[nodiscard]] std::map<std::string, std::size_t> read_rule_counts(std::string_view listing);

/// The elements in `nft -j list set`, at most `most`.
/// @throws GuardError  as above, or more elements
[[nodiscard]] std::vector<SetElement> read_elements(std::string_view listing, std::size_t most);

/// Our chains on devices in `nft list chains netdev`, with the device each hangs on (empty: none). As text, because
/// nft 1.0.6 leaves the device out of its JSON.
[[nodiscard]] std::map<std::string, std::string> read_egress_chains(std::string_view listing);

/// Is a set of ours in `nft -j -t list sets`?
/// @throws GuardError  as above
[[nodiscard]] bool lists_set(std::string_view listing, std::string_view family, std::string_view name);

/// Is our table in `nft list chains FAMILY` (text)?
[[nodiscard]] bool lists_table(std::string_view listing, std::string_view family);

}  // namespace fip::guard
