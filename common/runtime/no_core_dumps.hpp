#pragma once

namespace fip::runtime {

/// For programs that hold a token: their memory reaches no core file, and no other user's debugger. Call before reading
/// it.
void forbid_core_dumps() noexcept;

}  // namespace fip::runtime
