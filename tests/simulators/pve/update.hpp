#pragma once

#include "simulators/pve/call.hpp"
#include "simulators/pve/node.hpp"

namespace fip::sim::pve {

/// `qm set`, `pct set`, PUT on .../config: new values into the pending section, then into effect as far as the guest's
/// state allows (facts 3).
/// @throws ParameterError  a value is refused, or a device did not follow: then its value stays pending
void update_guest(const Guest& guest, Call call);

/// What stop and start do with pending values: all of them become the values (facts 1.2 step 2). Writes the file when
/// there were any, from `config` as it is: a stale copy overwrites what others wrote since (facts 1.3).
/// Returns whether it wrote.
bool apply_pending(const Guest& guest, ConfigFile& config);

/// The values of create and set as PVE would store them: MACs made up, property strings in canonical form.
/// @throws ParameterError
[[nodiscard]] std::map<std::string, std::string> checked_options(const Guest& guest,
                                                                 std::map<std::string, std::string> options,
                                                                 bool is_create);

}  // namespace fip::sim::pve
