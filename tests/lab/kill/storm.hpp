#pragma once

#include <chrono>
#include <cstdint>

namespace fip::test {

/// Sixteen guests are defined and undefined without rest while the daemon is killed at random and the provider fails
/// now and then. REQUIREs what must hold at each death, when it is quiet again, and when all guests are gone.
void storm(std::chrono::seconds length, std::uint64_t seed);

/// FIP_SEED, else a random one.
[[nodiscard]] std::uint64_t chosen_seed();

}  // namespace fip::test
