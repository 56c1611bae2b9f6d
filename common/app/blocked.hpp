#pragma once

#include "app/context.hpp"
#include "ports/guard.hpp"
#include "ports/provider_lock.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fip {

/// Finds out who sent what was blocked: fills in kind, name and detail.
using NameSender = std::function<void(BlockedSender&)>;

/// "guest web1 (vnet3, net0)": as it is, not yet fit for a log or a terminal.
[[nodiscard]] std::string text_of(const BlockedSender& sender);

/// Everybody who tried: what is remembered, with what the kernel has counted since. Latest first. Writes nothing.
/// @throws GuardError
[[nodiscard]] std::vector<BlockedSender> view_blocked(const Context& context, const Guard& guard,
                                                      const NameSender& name);

/// Take the kernel's counts over into the store, so that they outlive its small set, and let it count anew. A frame
/// that is stopped in between is not counted. Returns the senders that were not remembered before.
/// @throws GuardError, StoreBusy, StoreError
std::vector<BlockedSender> take_blocked(const Context& context, Guard& guard, ProviderLock& lock,
                                        const NameSender& name);

/// Name and remember a sender at its first frame, while it can still be found out who it is. False: it was known, and
/// nobody was looked for.
[[nodiscard]] bool note_blocked(const Context& context, BlockedSender& sender, const NameSender& name);

}  // namespace fip
