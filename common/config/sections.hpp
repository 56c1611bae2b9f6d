#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "core/settings.hpp"

#include <map>
#include <string>
#include <vector>

namespace fip::config {

// Pools and providers as written, each with the lines that the checks between them need.

/// Where something was said.
struct Spot {
    int line = 0;
    std::string key;
};

struct FixedEntry {
    FixedAddress fixed;
    Prefix prefix;  ///< The address as a range of one.
    Spot spot;
};

struct RangeEntry {
    Prefix prefix;
    Spot spot;
};

/// A list of addresses.
struct AddressList {
    std::vector<FixedEntry> fixed;   ///< Tables: {address, mac}.
    std::vector<RangeEntry> ranges;  ///< Strings; a bare address is a range of one.
};

struct ProviderDraft {
    ProviderSettings settings;
    Spot spot;
    bool has_list = false;  ///< Has an `addresses` key of its own.
    AddressList list;
};

struct PoolDraft {
    PoolSettings settings;
    Spot spot;
    Spot provider;
    Spot bridges;
    Spot marked_default;
    AddressList list;
};

struct Drafts {
    std::map<std::string, ProviderDraft> providers;
    std::map<std::string, PoolDraft> pools;
};

void read_provider(const Entry& section, Drafts& drafts, Mistakes& mistakes);
void read_pool(const Entry& section, Drafts& drafts, Mistakes& mistakes);

enum class Form { strings_only, also_tables };
[[nodiscard]] AddressList read_addresses(const Value& list, const std::string& path, Form form, Mistakes& mistakes);

/// What holds between pools, their providers and bridges; gives `manual` providers the addresses that pools list.
void check_pools(Drafts& drafts, Mistakes& mistakes);

}  // namespace fip::config
