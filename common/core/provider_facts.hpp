#pragma once

#include "core/address.hpp"
#include "core/mac.hpp"
#include "core/time.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fip {

/// What the provider said of one address at the last read.
struct ProviderAddress {
    Address address;
    std::optional<std::string> server;  ///< Where it is routed, as the provider names servers; absent: to none.
    std::optional<Mac> mac;
    std::optional<std::string> reverse;  ///< Lower case, no final dot; absent: not known (only read for this server).
    int missing = 0;                     ///< Complete lists in a row that lacked it.
    friend bool operator==(const ProviderAddress&, const ProviderAddress&) = default;
};

/// What we remember of our dealings with a provider, shared by all our processes.
struct ProviderStatus {
    std::optional<WallTime> synced_at;      ///< Last complete read.
    std::string synced_boot;                ///< Boot id of that read.
    std::optional<WallTime> backoff_until;  ///< No calls before; after 429, 503 and outages.
    int failures = 0;                       ///< In a row; the backoff grows with it. 0 in a backoff: refused.
    std::string last_error;                 ///< For people; never holds a secret.
    std::vector<Mac> server_macs;           ///< Of this server's own interfaces; empty: the provider does not tell.
    std::string server_key;  ///< The provider's own key of this server (Online: its number); empty: unknown.
    friend bool operator==(const ProviderStatus&, const ProviderStatus&) = default;
};

/// What a provider can do; what it cannot is an absent object in its adapter.
struct ProviderTraits {
    bool has_api = true;  ///< Routes and issues MACs; without it MACs are given or made locally.
    bool has_rdns = true;
    std::optional<Address> gateway;  ///< The guests' gateway, where it is one for all addresses.
    int prefix = 32;
};

/// The provider's verdict on one write. No verdict at all is ProviderUnavailable.
enum class Verdict {
    done,     ///< Accepted; a read must confirm it.
    already,  ///< It says the wish was fulfilled before: a read decides.
    busy,     ///< An earlier order on this address is still running: wait, read, try again.
    refused,  ///< It will not; `text` says why.
};

struct Answer {
    Verdict verdict = Verdict::done;
    std::string text;  ///< The provider's words, at most 200 characters, no secret; empty when done.
};

}  // namespace fip
