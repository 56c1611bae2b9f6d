#include "late_start.hpp"

#include "guarded_start.hpp"

namespace fip::hooks {
namespace {

/// The stored definition, where there is one, is put right by a look.
std::string refused_for_now(const LateStart& start, const std::string& reason) {
    if (!start.world.ask_daemon("look " + start.guest.id.value)) return daemon_is_away(start.world, reason);
    return reason + "; failover-ip puts its stored definition right: try again";
}

}  // namespace

std::string answer_wrong_mac(const LateStart& start, const StartVerdict& verdict) {
    if (verdict.answer == StartAnswer::hopeless) return verdict.text;
    if (verdict.answer == StartAnswer::retry) return refused_for_now(start, verdict.text);
    const auto hole = hole_in_guard(start.context, verdict.bridges, start.world);
    if (verdict.answer == StartAnswer::guarded) return hole.empty() ? "" : verdict.text + " (" + hole + ")";
    if (!hole.empty()) return refused_for_now(start, verdict.text + ", and " + hole);
    if (!start.world.ask_daemon("starting")) return daemon_is_away(start.world, verdict.text);
    const auto claimed = claim_in_time(start.context, start.guest, start.world);
    return claimed.kind == StartClaim::Kind::ready ? "" : claimed.text;
}

}  // namespace fip::hooks
