#pragma once

#include "core/guard.hpp"
#include "core/provider_facts.hpp"
#include "core/settings.hpp"
#include "core/time.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace fip {

/// What a complete list changes in the set of virtual MACs that may leave.
struct GuardSet {
    std::vector<GuardMac> macs;  ///< By MAC.
    std::size_t lacking = 0;     ///< MACs that the list lacked, where they are so many that it is not believed; else 0.
};

/// A MAC enters with the first list that shows it for an address routed to `server`. It leaves after two lists `grace`
/// apart, in one boot, that lack it. A list that lacks more than half of the set, and more than one, takes nothing.
/// @param list  complete; entries that the provider did not show just now have `missing` > 0
[[nodiscard]] GuardSet next_guard_set(const std::vector<GuardMac>& known, const std::vector<ProviderAddress>& list,
                                      const std::string& server, const Now& now, std::chrono::milliseconds grace);

/// The set without what `address` contributes: its MAC is about to be deleted there.
[[nodiscard]] std::vector<GuardMac> without_address(std::vector<GuardMac> known, const Address& address);

/// An uplink as it was when its bridge was last seen: what holds before bridges come up.
struct KnownUplink {
    std::string bridge;
    std::string uplink;
    std::optional<Mac> own_mac;
    friend bool operator==(const KnownUplink&, const KnownUplink&) = default;
};

struct GuardFacts {
    struct Provider {
        std::vector<Mac> server_macs;
        std::vector<GuardMac> macs;
        bool is_read = true;  ///< It was read once: what it knows is known here.
    };
    const Settings& settings;
    std::map<std::string, Provider> providers;
    std::vector<BridgeView> bridges;    ///< That exist.
    std::vector<KnownUplink> known;     ///< From before.
    std::vector<UplinkState> standing;  ///< In the kernel now.
};

/// The guard of one bridge, as it should be.
struct BridgeGuard {
    std::string bridge;
    GuardMode mode = GuardMode::off;
    std::vector<std::string> uplinks;
    std::string problem;  ///< What keeps it from coming up, and how to mend it; empty: nothing.
    /// It stands, and none of its uplinks is a port of it or below one: by what leads out everything may leave.
    bool is_elsewhere = false;
    std::string beside{};  ///< Ports that lead out and are not guarded, by the configuration's choice.
    bool exists = true;    ///< The bridge itself, now.
};

struct GuardPlan {
    GuardRules rules;
    std::vector<BridgeGuard> bridges;                                        ///< Every bridge of a pool, by name.
    std::vector<KnownUplink> known;                                          ///< To remember.
    [[nodiscard]] const BridgeGuard* find(const std::string& bridge) const;  ///< Null: no pool lists it.
};

/// Which frames may leave where (DESIGN.md chapter 6). Pools that share a bridge share its uplinks; the strictest mode
/// counts there.
[[nodiscard]] GuardPlan plan_guard(const GuardFacts& facts);

/// May the bridge be trusted to let nothing unregistered out: its uplinks are where frames leave it, and each is
/// enforced in the kernel.
[[nodiscard]] bool is_guarded(const BridgeGuard& bridge, const std::vector<UplinkState>& standing);

/// "br0 eno1 aa:bb:cc:00:11:22" a line, as it is stored; what cannot be read is left out.
[[nodiscard]] std::string text_of(const std::vector<KnownUplink>& known);
[[nodiscard]] std::vector<KnownUplink> known_uplinks(std::string_view text);

[[nodiscard]] std::string_view name_of(GuardMode mode) noexcept;

}  // namespace fip
