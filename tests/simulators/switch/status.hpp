#pragma once

#include "simulators/switch/port.hpp"

#include <boost/json.hpp>

namespace fip::sim {

[[nodiscard]] boost::json::object to_json(const Port& port);

}  // namespace fip::sim
