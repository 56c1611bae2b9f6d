#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Replies of the Dedibox console's API, read to the last character. Unknown fields are ignored; a field that we use
/// and that has another type or form than expected makes the whole reply unreadable: half a list is worse than none.
namespace fip::providers::online {

/// The reply is not what the API is known to say. what() names the place and never quotes the reply.
class Unreadable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One element of GET /server/failover.
struct Failover {
    Address address;
    std::optional<Address> destination;  ///< Main public address of a server; absent: routed to none.
    std::optional<Mac> mac;
    std::string server_id;  ///< Empty: not said.
};

/// GET /server/{id}, as far as we need it.
struct Server {
    std::vector<Address> public_addresses;   ///< The main one first. Empty: not said.
    std::vector<Mac> macs;                   ///< Of its own interfaces, in order; failover IPs' are not among them.
    std::map<Address, std::string> reverse;  ///< Of failover IPs: lower case, no final dot; empty: has none.
};

/// What a write, or a failed read, says.
struct Statement {
    enum class Kind { yes, no, text, error, other } kind = Kind::other;
    std::string text;                    ///< Of `text` and `error`; for `other` empty.
    std::string also;                    ///< The other of an error's two texts.
    std::chrono::seconds retry_after{};  ///< From the body; 0: not said.
};

/// @throws Unreadable  also when an address is there twice
[[nodiscard]] std::vector<Failover> read_failovers(std::string_view body);
/// @throws Unreadable
[[nodiscard]] Server read_server(std::string_view body);
/// The numbers out of GET /server. @throws Unreadable
[[nodiscard]] std::vector<std::string> read_server_ids(std::string_view body);
/// @throws Unreadable  the body is not one JSON value
[[nodiscard]] Statement read_statement(std::string_view body);

/// A server's number: digits only, positive, at most 18 of them.
[[nodiscard]] bool is_server_id(std::string_view text) noexcept;

}  // namespace fip::providers::online
