#pragma once

#include <cstdint>
#include <optional>

namespace fip::guard {

/// The kernel's number of the whole ruleset as it stands: every batch that changes something adds one (nfnetlink,
/// NFT_MSG_GETGEN). Empty: it does not tell.
[[nodiscard]] std::optional<std::uint32_t> ruleset_generation() noexcept;

}  // namespace fip::guard
