#pragma once

#include <boost/json.hpp>

#include <string>

namespace fip::sim::pve {

/// One command to a monitor, over a connection of its own: there is one client at a time (facts 6).
/// @throws CommandError  nobody answers, or the machine refuses
boost::json::value qmp(const std::string& socket, const std::string& command,
                       const boost::json::object& arguments = {});

}  // namespace fip::sim::pve
