#pragma once

#include "core/provider_facts.hpp"
#include "core/settings.hpp"
#include "ports/failover_api.hpp"
#include "ports/reverse_dns.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fip::providers {

/// One provider of the configuration, ready for use. What it cannot do is absent. One thread per object.
struct Provider {
    std::string name;
    ProviderTraits traits;
    std::unique_ptr<FailoverApi> api;    ///< Absent: no API; `fixed` says what there is.
    std::unique_ptr<ReverseDns> rdns;    ///< Absent: reverse names are left alone.
    std::vector<ProviderAddress> fixed;  ///< Only without `api`: what the configuration names.
    /// The provider's own key of this server as far as it was found, for ProviderStatus::server_key; always callable.
    std::function<std::string()> server_key;
};

struct OpenContext {
    std::string token;         ///< Read by the caller; moved into memory that is wiped.
    std::string server_key{};  ///< ProviderStatus::server_key of an earlier run.
    std::string ca_file{};     ///< Trusted instead of the system's authorities; empty: the system's.
};

/// Touches no network.
/// @throws InputError  unknown type, or a setting that the type cannot use; what() names it
[[nodiscard]] Provider open(const ProviderSettings& settings, OpenContext context);

}  // namespace fip::providers
