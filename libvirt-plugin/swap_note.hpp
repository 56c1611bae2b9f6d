#pragma once

#include "core/mac.hpp"
#include "ports/rows.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace fip::plugin {

/// How a NIC is put right.
enum class SwapWay {
    reset,  ///< The guest is paused, and reset so that QEMU lets go of the NIC: only while it is in its firmware.
    ask,    ///< The guest's system is asked to let go of the NIC.
};

/// One NIC of a swap as the store has it before anything is done: all that another process needs to finish it.
struct SwapNote {
    SwapWay way = SwapWay::reset;
    int run = -1;               ///< LiveGuest::number(): another run of the guest is no business of this swap.
    bool is_our_pause = false;  ///< We pause it, so we resume it.
    /// QemuProcess::ran at that time: as long as it stands still, the guest has stayed as we left it.
    std::optional<std::chrono::microseconds> ran;
    std::string alias;
    Mac worn;
    Mac wanted;
    std::string worn_element;    ///< The whole `<interface>`, to put things back.
    std::string wanted_element;  ///< What must be plugged in.
    friend bool operator==(const SwapNote&, const SwapNote&) = default;
};

[[nodiscard]] std::string text_of(const SwapNote& note);
/// Empty: not one of ours, or of another version.
[[nodiscard]] std::optional<SwapNote> read_swap_note(const std::string& text);

}  // namespace fip::plugin
