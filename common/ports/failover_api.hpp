#pragma once

#include "core/provider_facts.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fip {

/// One provider's failover IPs, for the server that the adapter was opened with.
///
/// Every write may be repeated. A verdict is not yet the effect: read with list() before relying on it.
/// `limit` is the wall time for the whole call, retries included; > 0.
///
/// @throws ProviderUnavailable  no verdict within `limit`, 429, 5xx, or an answer that cannot be read:
///         a write may or may not stand
/// @throws ProviderRefused      the account or the server is wrong (401, 403): a person must act
class FailoverApi {
public:
    virtual ~FailoverApi() = default;
    FailoverApi(const FailoverApi&) = delete;
    FailoverApi& operator=(const FailoverApi&) = delete;

    /// All failover IPs of the account, in address order; `reverse` only for those on this server. Complete or it
    /// throws.
    [[nodiscard]] virtual std::vector<ProviderAddress> list(std::chrono::milliseconds limit) = 0;
    /// MACs of this server's own interfaces, as the last list() showed them; empty: the provider does not tell.
    [[nodiscard]] virtual std::vector<Mac> server_macs() const = 0;
    /// Deliver these addresses to this server; a MAC group is named whole.
    [[nodiscard]] virtual Answer route(const std::vector<Address>& group, std::chrono::milliseconds limit) = 0;
    /// Generate a virtual MAC for an address that has none. `refused` also when it has one.
    [[nodiscard]] virtual Answer issue_mac(const Address& address, const std::string& mac_type,
                                           std::chrono::milliseconds limit) = 0;
    /// Give `target`, which has no MAC and the same route, the MAC of `source`.
    [[nodiscard]] virtual Answer share_mac(const Address& source, const Address& target,
                                           std::chrono::milliseconds limit) = 0;
    /// Take the virtual MAC from this address; others that share it keep it.
    [[nodiscard]] virtual Answer revoke_mac(const Address& address, std::chrono::milliseconds limit) = 0;

protected:
    FailoverApi() = default;
};

}  // namespace fip
