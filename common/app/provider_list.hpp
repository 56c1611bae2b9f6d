#pragma once

#include "app/context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fip {

struct StoredList {
    bool has_changed = false;        ///< Another list than the one before.
    bool has_guard_changed = false;  ///< Other MACs may leave than before.
    std::optional<Happening> doubt;  ///< It lacks so much that it is not believed.
};

/// Remember a complete list of the provider, and what it means for the guard: one transaction.
/// @param started  when the list was asked for
[[nodiscard]] StoredList store_list(const Context& context, const std::string& provider,
                                    std::vector<ProviderAddress> fresh, const std::vector<Mac>& server_macs,
                                    const Now& started);

}  // namespace fip
