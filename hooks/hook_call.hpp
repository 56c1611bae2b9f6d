#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace fip::hooks {

/// What libvirt is about to do, as far as it concerns us.
enum class Phase {
    prepare,   ///< A start, before anything is set up: may be refused.
    start,     ///< The same start, with the bridges of NICs of type network in the XML: may be refused.
    incoming,  ///< A saved image or a migration is about to start the guest; what is printed would replace the XML.
    other,     ///< Nothing for us: reconnect, started, stopped, release, attach, and what libvirt may invent.
};

struct HookCall {
    std::string guest;  ///< As libvirt said it: any text.
    Phase phase = Phase::other;
    std::string operation;  ///< libvirt's word: "prepare", "migrate", ...
};

/// `GUEST OP SUBOP EXTRA`, without the program's name. Anything else is Phase::other: a hook never fails for that.
[[nodiscard]] HookCall read_call(std::span<const char* const> arguments);

/// Everything up to the end of the file. Empty: more than `most` bytes; the rest is read and forgotten.
[[nodiscard]] std::optional<std::string> read_all(int file, std::size_t most);

}  // namespace fip::hooks
