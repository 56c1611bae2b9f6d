#pragma once

#include "app/context.hpp"
#include "app/look.hpp"
#include "ports/guest_source.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fip {

/// A claim whose guest was not seen for this long after it ends.
inline constexpr std::chrono::seconds claim_lasts{60};

/// What a start that overtook the define has got.
struct StartClaim {
    enum class Kind {
        ready,    ///< Every managed NIC has a lease with a confirmed MAC.
        pending,  ///< The provider must be asked for a MAC: try_claim() again.
        refused,  ///< `text` says why.
    };
    Kind kind = Kind::refused;
    std::string text;
    std::vector<GuestEdit::NewMac> macs{};  ///< ready: what its managed NICs must wear.
};

/// Claim what the NICs of a guest that is about to start lack, in one transaction. Repeatable. What a start of the same
/// name claimed that never came about becomes this libvirt guest's: tools that make up a new UUID each time try again
/// so. Nothing is adopted: that needs a look at all guests.
[[nodiscard]] StartClaim claim_for_start(const Context& context, const Guest& guest);

/// End the claims that are older than `claim_lasts` and whose guests the hypervisor does not know.
/// @throws StoreBusy, StoreError; what the hypervisor does not answer stays
[[nodiscard]] Looked end_unused_claims(const Context& context, GuestSource& source);

/// Remember that a start is about to be queued for a guest whose config had these MACs. At most one is queued for each
/// text: what puts the same MACs back would make it start for ever.
/// @return false: one was, and nothing changed
[[nodiscard]] bool note_queued_start(const Context& context, const Guest& guest, const std::string& wrong_macs);
[[nodiscard]] bool has_queued_start(const Context& context, const GuestId& guest);
void forget_queued_start(const Context& context, const GuestId& guest);  ///< Of nothing: no effect.

}  // namespace fip
