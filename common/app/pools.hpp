#pragma once

#include "app/context.hpp"
#include "core/pool.hpp"

#include <string>
#include <vector>

namespace fip {

struct PoolAddress {
    Address address;
    PoolState state = PoolState::free;
    std::optional<Mac> mac;
    std::optional<std::string> server;
    std::optional<std::string> reverse;
};

struct PoolView {
    std::string pool;
    std::string provider;
    std::size_t waiting = 0;
    std::vector<PoolAddress> addresses;  ///< In address order; one state each.
    [[nodiscard]] std::size_t count(PoolState state) const;
};

/// Every configured pool as the store knows it, by name.
[[nodiscard]] std::vector<PoolView> view_pools(const Context& context);

}  // namespace fip
