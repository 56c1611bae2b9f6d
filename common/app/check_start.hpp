#pragma once

#include "app/context.hpp"
#include "core/start.hpp"

#include <string>

namespace fip {

/// May this guest, as its definition is now, start on its managed bridges? Reads the store only.
/// `nics` of the guest that are not of this phase have been left out by the caller.
/// @param manner  of a Proxmox guest
[[nodiscard]] StartVerdict check_start(const Context& context, const Guest& guest, const StartManner& manner = {});

/// Remember that a saved image or an incoming migration is about to start this guest (hook's `restore`, `migrate`).
void note_incoming(const Context& context, const GuestId& guest, const std::string& operation);
/// That start was refused: the next one may be another kind.
void forget_incoming(const Context& context, const GuestId& guest);

}  // namespace fip
