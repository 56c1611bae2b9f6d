#include "core/snapshot.hpp"

#include <algorithm>

namespace fip {

std::vector<ProviderAddress> merge_snapshot(const std::vector<ProviderAddress>& known,
                                            std::vector<ProviderAddress> fresh,
                                            const std::function<bool(const Address&)>& is_needed) {
    const auto by_address = [](const ProviderAddress& a, const ProviderAddress& b) { return a.address < b.address; };
    std::sort(fresh.begin(), fresh.end(), by_address);
    std::vector<ProviderAddress> lacking;
    for (auto old : known) {
        if (std::binary_search(fresh.begin(), fresh.end(), old, by_address)) continue;
        ++old.missing;
        if (old.missing < 2 || is_needed(old.address)) lacking.push_back(old);
    }
    fresh.insert(fresh.end(), lacking.begin(), lacking.end());
    std::sort(fresh.begin(), fresh.end(), by_address);
    return fresh;
}

}  // namespace fip
