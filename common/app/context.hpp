#pragma once

#include "core/provider_facts.hpp"
#include "core/settings.hpp"
#include "ports/clock.hpp"
#include "ports/lease_store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace fip {

/// What every use case works with. One per thread; nothing in it is owned.
struct Context {
    const Settings& settings;
    const std::map<std::string, ProviderTraits>& traits;  ///< By provider name; every configured provider is in it.
    LeaseStore& store;
    const Clock& clock;
    std::function<std::uint64_t()> random;
    /// Which MACs may leave has changed in the store: returns when the kernel knows. Empty: this process has no guard.
    /// Throws GuardError.
    std::function<void()> refresh_guard{};
};

/// One line for the log: what happened to which guest or address. Use cases return them, binaries write them.
struct Happening {
    enum class Level { info, warning, error };
    Level level = Level::info;
    std::string id;  ///< Stable, for machines: "lease-claimed", "mac-written", ...
    std::optional<GuestId> guest;
    std::string guest_name;
    std::optional<Address> address;
    std::string text;  ///< One sentence for people, without the guest's name.
};

}  // namespace fip
