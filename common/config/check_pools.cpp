#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace fip::config {
namespace {

constexpr int max_range_bits = 16;            // 65,536 addresses in one range of `manual`
constexpr std::size_t max_fixed = 1U << 20U;  // and about a million in all

void check_providers_of(Drafts& drafts, Mistakes& mistakes) {
    std::vector<std::string_view> names;
    for (const auto& [name, provider] : drafts.providers) names.push_back(name);
    for (const auto& [name, pool] : drafts.pools) {
        const auto& wanted = pool.settings.provider;
        if (wanted.empty() || drafts.providers.contains(wanted)) continue;
        mistakes.add(pool.provider.line, pool.provider.key,
                     fmt::format("there is no [providers.{}]{}", wanted, did_you_mean(wanted, names)));
    }
}

void check_bridges(const Drafts& drafts, Mistakes& mistakes) {
    std::map<std::string, std::vector<const PoolDraft*>> by_bridge;
    for (const auto& [name, pool] : drafts.pools) {
        // A set: one that names a bridge twice has been told so already.
        for (const auto& bridge : std::set<std::string>{pool.settings.bridges.begin(), pool.settings.bridges.end()}) {
            by_bridge[bridge].push_back(&pool);
        }
    }
    for (auto& [bridge, pools] : by_bridge) {
        if (pools.size() < 2) continue;
        std::ranges::sort(pools, {}, [](const PoolDraft* pool) { return pool->spot.line; });
        std::vector<const PoolDraft*> marked;
        std::ranges::copy_if(pools, std::back_inserter(marked),
                             [](const auto* pool) { return pool->settings.is_default; });
        if (marked.empty()) {
            const auto& last = *pools.back();
            mistakes.add(last.bridges.line, last.bridges.key,
                         fmt::format("{} pools are on bridge {}; expected `default = true` in one of them",
                                     pools.size(), bridge));
        }
        for (std::size_t i = 1; i < marked.size(); ++i) {
            mistakes.add(marked[i]->marked_default.line, marked[i]->marked_default.key,
                         fmt::format("pool {} is the default on bridge {} already; expected one default per bridge",
                                     marked.front()->settings.name, bridge));
        }
    }
}

/// Where an overlap was reported already: one and the same may be seen from the pool and from the provider.
using Told = std::set<std::string>;

/// Ranges either contain each other or are apart, so in order each needs a look at one before it.
void check_overlaps(std::vector<RangeEntry> ranges, std::string_view what, Told& told, Mistakes& mistakes) {
    std::ranges::stable_sort(ranges, [](const RangeEntry& left, const RangeEntry& right) {
        if (left.prefix.first() != right.prefix.first()) return left.prefix.first() < right.prefix.first();
        return left.prefix.length() < right.prefix.length();
    });
    const RangeEntry* outer = nullptr;
    for (const auto& range : ranges) {
        if (outer == nullptr || !outer->prefix.contains(range.prefix.first())) {
            outer = &range;
            continue;
        }
        const bool is_later = range.spot.line >= outer->spot.line;
        const auto& [prefix, spot] = is_later ? range : *outer;
        const auto& other = is_later ? *outer : range;
        if (!told.insert(spot.key).second) continue;
        mistakes.add(spot.line, spot.key,
                     fmt::format("{} overlaps {} in {} (line {}); {}", prefix.text(), other.prefix.text(),
                                 other.spot.key, other.spot.line, what));
    }
}

void check_filters(const Drafts& drafts, Told& told, Mistakes& mistakes) {
    std::vector<RangeEntry> all;
    std::map<std::string, std::vector<const PoolDraft*>> open;
    for (const auto& [name, pool] : drafts.pools) {
        all.insert(all.end(), pool.list.ranges.begin(), pool.list.ranges.end());
        for (const auto& entry : pool.list.fixed) all.push_back({entry.prefix, entry.spot});
        const bool has_filter = !pool.list.ranges.empty() || !pool.list.fixed.empty();
        if (!has_filter && drafts.providers.contains(pool.settings.provider))
            open[pool.settings.provider].push_back(&pool);
    }
    check_overlaps(std::move(all), "an address belongs to one pool", told, mistakes);
    for (auto& [provider, pools] : open) {
        std::ranges::sort(pools, {}, [](const PoolDraft* pool) { return pool->spot.line; });
        for (std::size_t i = 1; i < pools.size(); ++i) {
            mistakes.add(
                pools[i]->spot.line, pools[i]->spot.key,
                fmt::format("pool {} takes all other addresses of {} already; expected `addresses` in one of them",
                            pools.front()->settings.name, provider));
        }
    }
}

void check_manual(const ProviderDraft& provider, Told& told, Mistakes& mistakes) {
    auto ranges = provider.list.ranges;
    std::size_t total = provider.list.fixed.size();
    for (const auto& [prefix, spot] : provider.list.ranges) {
        const int bits = prefix.first().bits() - prefix.length();
        if (bits > max_range_bits) {
            mistakes.add(spot.line, spot.key,
                         fmt::format("{} is too large; expected at most 65,536 addresses", prefix.text()));
            continue;
        }
        total += std::size_t{1} << static_cast<unsigned>(bits);
    }
    if (total > max_fixed) {
        mistakes.add(provider.spot.line, provider.spot.key,
                     fmt::format("{} addresses; expected at most {}", total, max_fixed));
    }
    std::map<Mac, const FixedEntry*> macs;
    for (const auto& entry : provider.list.fixed) {
        ranges.push_back({entry.prefix, entry.spot});
        if (!entry.fixed.mac) continue;
        const auto [holder, is_new] = macs.emplace(*entry.fixed.mac, &entry);
        if (is_new) continue;
        mistakes.add(entry.spot.line, entry.spot.key,
                     fmt::format("MAC {} is that of {} already (line {})", entry.fixed.mac->text(),
                                 holder->second->fixed.address.text(), holder->second->spot.line));
    }
    const bool is_empty = ranges.empty();
    check_overlaps(std::move(ranges), "an address is listed once", told, mistakes);
    if (is_empty && !provider.has_list) {
        mistakes.add(provider.spot.line, provider.spot.key,
                     "no addresses; expected a list like addresses = [\"192.0.2.0/28\", {address = \"198.51.100.5\"}]");
    }
}

/// A pool of a `manual` provider may hold the provider's addresses in its own list.
void adopt_addresses(PoolDraft& pool, ProviderDraft& provider) {
    auto& [fixed, ranges] = pool.list;
    provider.list.fixed.insert(provider.list.fixed.end(), fixed.begin(), fixed.end());
    // Plain ranges are the usual filter, unless there is nothing else to filter.
    if (!provider.has_list) provider.list.ranges.insert(provider.list.ranges.end(), ranges.begin(), ranges.end());
}

}  // namespace

void check_pools(Drafts& drafts, Mistakes& mistakes) {
    check_providers_of(drafts, mistakes);
    check_bridges(drafts, mistakes);
    for (auto& [name, pool] : drafts.pools) {
        const auto provider = drafts.providers.find(pool.settings.provider);
        const bool is_manual = provider != drafts.providers.end() && provider->second.settings.type == "manual";
        if (is_manual) adopt_addresses(pool, provider->second);
        for (const auto& entry : pool.list.fixed) {
            if (!is_manual && provider != drafts.providers.end() && !provider->second.settings.type.empty()) {
                mistakes.add(
                    entry.spot.line, entry.spot.key,
                    fmt::format("only providers of type manual have MACs in the configuration; expected \"{}\"",
                                entry.fixed.address.text()));
            }
        }
    }
    Told told;
    check_filters(drafts, told, mistakes);
    for (const auto& [name, provider] : drafts.providers) {
        if (provider.settings.type == "manual") check_manual(provider, told, mistakes);
    }
    for (auto& [name, provider] : drafts.providers) {
        for (const auto& entry : provider.list.fixed) provider.settings.fixed.push_back(entry.fixed);
        for (const auto& range : provider.list.ranges) provider.settings.ranges.push_back(range.prefix);
    }
    for (auto& [name, pool] : drafts.pools) {
        for (const auto& range : pool.list.ranges) pool.settings.addresses.push_back(range.prefix);
        for (const auto& entry : pool.list.fixed) pool.settings.addresses.push_back(entry.prefix);
    }
}

}  // namespace fip::config
