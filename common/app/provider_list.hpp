#pragma once

#include "app/context.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip {

struct StoredList {
    bool has_changed = false;        ///< Another list than the one before.
    bool has_guard_changed = false;  ///< Other MACs may leave than before.
    std::optional<Happening> doubt;  ///< It lacks so much that it is not believed.
};

struct FreshList {
    std::vector<ProviderAddress> addresses;
    std::vector<Mac> server_macs;
    Now started;                ///< When it was asked for.
    std::set<Address> revoked;  ///< Their MACs were deleted just before: a list may lag behind that.
};

/// Remember a complete list of the provider, and what it means for the guard: one transaction.
[[nodiscard]] StoredList store_list(const Context& context, const std::string& provider, const FreshList& fresh);

}  // namespace fip
