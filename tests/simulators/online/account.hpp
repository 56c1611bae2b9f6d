#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"
#include "simulators/online/switches.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace fip::sim {

using UnixMs = std::int64_t;
[[nodiscard]] UnixMs unix_now();

struct Server {
    std::int64_t id = 0;
    Address address;  ///< Main public IPv4: what edits name.
    std::string hostname;
    std::string reverse;                        ///< With its final dot; empty: the default name.
    Mac mac = Mac::parse("aa:bb:cc:00:11:22");  ///< Of its network card.
    friend bool operator==(const Server&, const Server&) = default;
};

struct FailoverIp {
    std::int64_t server = 0;  ///< 0: null-routed.
    std::optional<Mac> mac;
    std::string reverse;  ///< With its final dot; empty: the default name.
    std::string status = "active";
    UnixMs busy_until = 0;
    friend bool operator==(const FailoverIp&, const FailoverIp&) = default;
};

/// What a write answers: nothing but a status, and the words of a refusal.
struct Outcome {
    int status = 200;
    std::string error;  ///< Empty: done.
};

/// Servers and failover IPs of one customer, with the rules of the Dedibox console's API. Not thread-safe.
class Account {
public:
    Switches switches;
    std::map<std::int64_t, Server> servers;
    std::map<Address, FailoverIp> failovers;
    std::map<std::string, std::set<Address>> forward;  ///< A records; names in lower case, no final dot.

    explicit Account(std::uint64_t seed) : random_{seed} {}

    /// What reads show: the account as it was `read_lag_ms` ago.
    [[nodiscard]] const std::map<Address, FailoverIp>& visible(UnixMs now) const;
    [[nodiscard]] const Server* server_at(const Address& address) const;
    [[nodiscard]] std::string reverse_of(const Address& address, const std::string& own) const;

    [[nodiscard]] Outcome edit(const std::vector<Address>& sources, const std::string& destination, UnixMs now);
    [[nodiscard]] Outcome generate_mac(const Address& address, const std::string& type, UnixMs now);
    [[nodiscard]] Outcome duplicate_mac(const Address& address, const Address& target, UnixMs now);
    [[nodiscard]] Outcome delete_mac(const Address& address, UnixMs now);
    [[nodiscard]] Outcome set_reverse(const std::vector<Address>& addresses, const std::string& name, UnixMs now);

    /// Call before every change: reads that lag show what was.
    void remember(UnixMs now);
    void forget_past() { past_.clear(); }

private:
    struct Moment {
        UnixMs end = 0;  ///< Until then the account looked like this.
        std::map<Address, FailoverIp> failovers;
    };

    [[nodiscard]] Outcome conflict(const std::string& text) const;
    [[nodiscard]] std::optional<Outcome> missing(const Address& address) const;
    [[nodiscard]] std::optional<Outcome> split_group(const std::set<Address>& sources) const;
    [[nodiscard]] std::optional<Outcome> in_progress(const std::set<Address>& sources, UnixMs now) const;
    [[nodiscard]] std::optional<Outcome> already_there(const std::set<Address>& sources, std::int64_t server) const;
    [[nodiscard]] std::set<Address> with_groups(const std::set<Address>& sources) const;
    void move(const std::set<Address>& sources, std::int64_t server, UnixMs now);
    [[nodiscard]] bool resolves_to(const std::string& name, const Address& address) const;
    [[nodiscard]] Mac new_mac(const std::string& prefix);

    std::mt19937_64 random_;
    std::deque<Moment> past_;
};

}  // namespace fip::sim
