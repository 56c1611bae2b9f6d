#pragma once

#include "core/provider_facts.hpp"
#include "core/settings.hpp"

#include <cstddef>
#include <vector>

namespace fip::providers {

/// A range in the configuration may not stand for more addresses than this.
inline constexpr std::size_t most_manual_addresses = 65536;

/// What a provider without an API "lists": the addresses that the configuration names, all routed to this server, in
/// address order. An IPv4 range shorter than /31 counts whole, network and broadcast address too: every address of it
/// is routed to the host. A single entry with a MAC wins over a range that contains it.
///
/// @throws InputError  an address or a MAC named twice, or too many addresses
[[nodiscard]] std::vector<ProviderAddress> manual_addresses(const ProviderSettings& settings);

}  // namespace fip::providers
