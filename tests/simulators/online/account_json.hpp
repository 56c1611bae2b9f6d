#pragma once

#include "simulators/online/account.hpp"

#include <boost/json.hpp>

namespace fip::sim {

/// The account as the state file and the control endpoint have it (see the folder's README).
[[nodiscard]] boost::json::object to_json(const Account& account);
[[nodiscard]] boost::json::object to_json(const FailoverIp& entry);

/// Replaces what `state` names: `servers`, `addresses`, `forward`, `switches`.
/// @throws InputError  nothing is changed then
void load(Account& account, const boost::json::object& state);

/// Changes the named fields of one address; makes it when there is none.
/// @throws InputError  nothing is changed then
void change(Account& account, const Address& address, const boost::json::object& fields);

}  // namespace fip::sim
