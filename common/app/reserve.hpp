#pragma once

#include "app/context.hpp"

#include <string>
#include <variant>
#include <vector>

namespace fip {

/// What a person may ask for with `lease acquire`.
struct Reservation {
    std::string guest_name;
    std::string pool;      ///< Empty: the only pool, or the default one.
    std::string hostname;  ///< Empty: the pool's template, or what the reservation has.
};

struct PoolExhausted {
    std::string text;
};

/// Reserve one address for a guest that is yet to be defined. Repeating it gives the same reservation,
/// with the name that is asked for now.
/// The lease is `active` at once where the MAC is known, else `pending` until settle() confirmed it.
/// @throws InputError  no such pool, several and none is the default, a bad name, or the guest has leases already
[[nodiscard]] std::variant<Lease, PoolExhausted> reserve(const Context& context, const Reservation& reservation);

/// Give leases back by hand. The caller has made sure that no guest of them exists. All or none.
/// Of an address that is already releasing or cooling: no effect.
/// @throws InputError  an address has no lease
[[nodiscard]] std::vector<Happening> release(const Context& context, const std::vector<Address>& addresses);

}  // namespace fip
