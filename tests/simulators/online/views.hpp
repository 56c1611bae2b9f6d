#pragma once

#include "simulators/online/account.hpp"

#include <boost/json.hpp>

namespace fip::sim {

/// What reads answer: the account as the API shows it.
[[nodiscard]] boost::json::array server_references(const Account& account);
[[nodiscard]] boost::json::object server_details(const Account& account, const Server& server, UnixMs now);
[[nodiscard]] boost::json::array failover_list(const Account& account, UnixMs now);
[[nodiscard]] boost::json::object failover_entry(const Account& account, const Address& address,
                                                 const FailoverIp& entry, UnixMs now);
[[nodiscard]] boost::json::object failover_address(const Account& account, const Address& address,
                                                   const FailoverIp& entry, UnixMs now);
[[nodiscard]] boost::json::object public_address(const Account& account, const Server& server);

/// JSON text; with indents, and with `/` as `\/`, where asked for.
[[nodiscard]] std::string compact(const boost::json::value& value);
[[nodiscard]] std::string pretty(const boost::json::value& value);
[[nodiscard]] std::string with_escaped_slashes(const std::string& text);

}  // namespace fip::sim
