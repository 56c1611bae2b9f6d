#pragma once

#include "core/address.hpp"
#include "workplace.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fip::cli {

/// Before an address is given away: what the configuration says of a provider without an API is brought to the store
/// when it changed since the last time. Costs one read when it did not.
void take_in_configured(Workplace& workplace);

/// After a pool was found empty: read its provider again (all of them for an empty name) unless that was done within
/// the reconcile interval. True: something was read.
[[nodiscard]] bool refresh(Workplace& workplace, const std::string& pool);

/// Have the provider's side of these addresses done and wait for it, through the helper, for it talks to the network.
/// Returns its exit code; what it has to say goes to stderr.
[[nodiscard]] int settle_addresses(const Workplace& workplace, const std::vector<Address>& addresses);

/// Tell the daemons of all hypervisors that leases changed. False: none answers, each within `limit`.
[[nodiscard]] bool poke_daemons(std::chrono::milliseconds limit);

}  // namespace fip::cli
