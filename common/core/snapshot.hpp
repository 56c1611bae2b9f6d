#pragma once

#include "core/provider_facts.hpp"

#include <functional>
#include <vector>

namespace fip {

/// Join a complete, fresh list with what was known. An address that the list lacks is kept, with one more `missing`,
/// while a row of ours needs it or it lacked only once; a list is not proof that an address is gone.
[[nodiscard]] std::vector<ProviderAddress> merge_snapshot(const std::vector<ProviderAddress>& known,
                                                          std::vector<ProviderAddress> fresh,
                                                          const std::function<bool(const Address&)>& is_needed);

}  // namespace fip
