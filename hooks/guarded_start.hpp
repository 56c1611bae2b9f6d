#pragma once

#include "app/context.hpp"
#include "app/start_claim.hpp"
#include "core/guest.hpp"
#include "world.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fip::hooks {

/// Empty: there is no usable configuration, and the log says why.
[[nodiscard]] std::optional<Settings> usable_settings(const World& world);

[[nodiscard]] std::vector<std::string> managed_bridges(const Settings& settings);
[[nodiscard]] bool has_managed_nic(const Settings& settings, const Guest& guest);
[[nodiscard]] std::map<std::string, ProviderTraits> traits_of(const Settings& settings);

/// A context that makes up nothing: hooks claim, they do not generate.
[[nodiscard]] Context context_of(const Settings& settings, const std::map<std::string, ProviderTraits>& traits,
                                 LeaseStore& store, const World& world);

/// While the host was down a person may have changed a MAC or moved an address: one read before the first start.
void read_after_boot(const Context& context, const Guest& guest, const World& world);

/// Why a frame with an unregistered MAC might leave; empty: the guard is up at every uplink of these bridges.
[[nodiscard]] std::string hole_in_guard(const Context& context, const std::vector<std::string>& bridges,
                                        const World& world);

/// Without the store: is the guard of all these bridges up, by what stands in the kernel?
[[nodiscard]] bool stands_in_kernel(const Settings& settings, const std::vector<std::string>& bridges,
                                    const World& world);
/// Without the store: does the guard in the kernel know the MACs of all managed NICs? False also when nothing stands
/// there.
[[nodiscard]] bool passes_in_kernel(const Settings& settings, const Guest& guest, const World& world);

/// claim_for_start(), waiting for a MAC that the provider still has to make: it takes a second. Never `pending`.
/// @param context  its store may be open for reading only
/// @throws StoreBusy StoreError
[[nodiscard]] StartClaim claim_in_time(const Context& context, const Guest& guest, const World& world);

/// "..., the daemon that puts it right does not answer: systemctl start ..."
[[nodiscard]] std::string daemon_is_away(const World& world, const std::string& reason);

/// Lines for people, without the line end: hostile names made printable, and cut.
[[nodiscard]] std::string refusal(std::string_view guest, std::string_view reason);
[[nodiscard]] std::string remark(std::string_view guest, std::string_view text);

}  // namespace fip::hooks
