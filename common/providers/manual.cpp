#include "providers/manual.hpp"

#include "core/errors.hpp"

#include <map>

namespace fip::providers {
namespace {

[[noreturn]] void reject(const ProviderSettings& settings, const std::string& what) {
    throw InputError{"providers." + settings.name + ".addresses: " + what};
}

}  // namespace

std::vector<ProviderAddress> manual_addresses(const ProviderSettings& settings) {
    std::map<Address, std::optional<Mac>> found;
    std::map<Mac, Address> wearers;
    for (const auto& entry : settings.fixed) {
        if (!found.emplace(entry.address, entry.mac).second) reject(settings, entry.address.text() + " is there twice");
        if (!entry.mac) continue;
        const auto [other, is_new] = wearers.emplace(*entry.mac, entry.address);
        if (!is_new) {
            reject(settings,
                   entry.mac->text() + " is given to " + other->second.text() + " and to " + entry.address.text());
        }
    }
    for (const auto& range : settings.ranges) {
        std::optional<Address> next = range.first();
        while (next && range.contains(*next)) {
            found.emplace(*next, std::nullopt);
            if (found.size() > most_manual_addresses) reject(settings, range.text() + " holds too many addresses");
            next = next->next();
        }
    }

    std::vector<ProviderAddress> result;
    result.reserve(found.size());
    for (const auto& [address, mac] : found) {
        ProviderAddress entry;
        entry.address = address;
        entry.server = settings.server;
        entry.mac = mac;
        result.push_back(entry);
    }
    return result;
}

}  // namespace fip::providers
