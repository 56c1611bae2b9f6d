#pragma once

#include "hook_call.hpp"
#include "world.hpp"

#include <functional>
#include <optional>
#include <string>

namespace fip::hooks {

using ReadXml = std::function<std::optional<std::string>()>;  ///< Empty: too long.

/// What libvirt gets to hear: empty lets it go on; else the reason of the refusal, one line without our name or the
/// guest's.
[[nodiscard]] std::string on_phase(const HookCall& call, const ReadXml& read_xml, const World& world);

}  // namespace fip::hooks
