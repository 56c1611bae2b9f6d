#include "app/inventory.hpp"

namespace fip {
namespace {

/// Names the configured addresses, so that thousands of them need not be compared at every command.
std::string fingerprint(const ProviderSettings& provider) {
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    const auto add = [&](const std::string& text) {
        for (const char c : text + "\n") hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    };
    add(provider.server);
    for (const auto& fixed : provider.fixed) add(fixed.address.text());
    for (const auto& range : provider.ranges) add(range.text());
    return std::to_string(provider.fixed.size()) + "+" + std::to_string(provider.ranges.size()) + ":" +
           std::to_string(hash);
}

}  // namespace

bool take_inventory(const Context& context, const ProviderAccess& provider) {
    if (provider.api != nullptr || !provider.inventory) return false;
    const auto key = "inventory:" + provider.name;
    const auto wanted = fingerprint(context.settings.providers.at(provider.name));
    bool is_same = false;
    context.store.read([&](const Rows& rows) { is_same = rows.guests.value(key) == wanted; });
    if (is_same) return false;
    auto addresses = provider.inventory();
    // A MAC that is given for an address is not one that the provider shows on it: it is there for the next lease.
    for (auto& address : addresses) address.mac.reset();
    context.store.write([&](Rows& rows) {
        rows.provider.replace(provider.name, addresses);
        rows.guests.set_value(key, wanted);
    });
    return true;
}

}  // namespace fip
