#pragma once

#include "app/context.hpp"
#include "ports/failover_api.hpp"
#include "ports/reverse_dns.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fip {

/// One provider as the use cases reach it. What it cannot do is null.
struct ProviderAccess {
    std::string name;
    FailoverApi* api = nullptr;
    ReverseDns* rdns = nullptr;
    /// Without an api: the addresses that the configuration gives. Only called when the configuration changed.
    std::function<std::vector<ProviderAddress>()> inventory;
};

/// For a provider without an API the configuration is the list: bring the store up to it. Cheap when nothing changed.
/// With an api: no effect. True: the list changed.
bool take_inventory(const Context& context, const ProviderAccess& provider);

}  // namespace fip
