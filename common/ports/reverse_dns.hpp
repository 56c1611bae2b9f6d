#pragma once

#include "core/provider_facts.hpp"

#include <chrono>
#include <string>

namespace fip {

/// Reverse names of failover IPs. Errors and limits as for FailoverApi; read back through FailoverApi::list.
class ReverseDns {
public:
    virtual ~ReverseDns() = default;
    ReverseDns(const ReverseDns&) = delete;
    ReverseDns& operator=(const ReverseDns&) = delete;

    /// `refused`: usually no forward record points to the address yet.
    [[nodiscard]] virtual Answer set(const Address& address, const std::string& name,
                                     std::chrono::milliseconds limit) = 0;
    /// Back to the provider's default name.
    [[nodiscard]] virtual Answer reset(const Address& address, std::chrono::milliseconds limit) = 0;

protected:
    ReverseDns() = default;
};

}  // namespace fip
