#pragma once

#include "app/context.hpp"
#include "core/pool.hpp"

#include <optional>
#include <string>
#include <variant>

namespace fip {

/// An address wanted for one NIC, or reserved for a name.
struct ClaimRequest {
    Claimant claimant;
    std::string origin;
    std::string slot;
    int ordinal = 0;
    std::string pool;
    std::string bridge;       ///< Where the NIC hangs; empty for a reservation.
    std::optional<Mac> worn;  ///< What the NIC wears now: where MACs are given by hand, its address is the one to take.
};

struct NothingFree {
    std::string text;  ///< Why, for people.
};

/// Take an address for the claimant, inside the caller's transaction: the one it had last, else a warm one, else any
/// free one; those who waited longer come first. With a virtual MAC at hand the lease is `active` at once.
[[nodiscard]] std::variant<Lease, NothingFree> claim(const Context& context, Rows& rows, const ClaimRequest& request);

/// Give a lease back, inside the caller's transaction: to `releasing`, or dropped where nothing of ours is at the
/// provider or the address is not on this server.
void begin_release(const Context& context, Rows& rows, const Lease& lease);

}  // namespace fip
