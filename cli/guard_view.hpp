#pragma once

#include "core/guard_plan.hpp"
#include "ports/rows.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fip::cli {

/// The guard as it is, for people and programs.
struct GuardView {
    GuardPlan plan;
    std::vector<UplinkState> standing;
    bool is_down = false;  ///< A person took it down.
    std::vector<BlockedSender> blocked;
};

/// "up", "partial", "down", "off" of one bridge; of the whole: the worst of those that are not off.
[[nodiscard]] std::string_view state_of(const GuardView& view, const BridgeGuard& bridge);
[[nodiscard]] std::string_view state_of(const GuardView& view);

[[nodiscard]] boost::json::object json_of(const GuardView& view);
[[nodiscard]] std::string text_of(const GuardView& view, bool is_coloured);

[[nodiscard]] boost::json::object json_of(const BlockedSender& sender);

/// Find out whose frames these were, by a look at the host.
void name_blocked(BlockedSender& sender);

}  // namespace fip::cli
