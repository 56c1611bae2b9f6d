#pragma once

#include "core/lease.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fip::bench {

/// How many leases are in which state.
struct Counts {
    std::size_t warm = 0;
    std::size_t good = 0;     ///< Active, and the reverse name set where one is wanted.
    std::size_t unready = 0;  ///< Everything that the daemon still has work with.
};

[[nodiscard]] Counts counts_of(const std::vector<Lease>& leases);
[[nodiscard]] std::string text_of(const Counts& counts);

/// That many addresses for the simulated provider, routed to its server 11111.
[[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> routed_here(std::size_t count);

}  // namespace fip::bench
