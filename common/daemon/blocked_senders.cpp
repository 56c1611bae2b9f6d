#include "daemon/blocked_senders.hpp"

#include "runtime/printable.hpp"

namespace fip::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto name_lasts = 10s;
constexpr std::size_t most_lookups = 5;  // per second; each may cost some milliseconds
constexpr int most_logged = 3;           // MACs of one port
constexpr std::size_t most_ports = 1024;

}  // namespace

bool BlockedSenders::may_look_up(TimePoint now) {
    while (!looked_up_.empty() && now - looked_up_.front() > 1s) looked_up_.pop_front();
    if (looked_up_.size() >= most_lookups) return false;
    looked_up_.push_back(now);
    return true;
}

void BlockedSenders::name(BlockedSender& sender) {
    const auto now = std::chrono::steady_clock::now();
    const auto known = by_port_.find(sender.port);
    // Behind a port to somewhere else there may be many: there the last name only has to do where no look is left.
    const bool is_alone =
        known != by_port_.end() && (known->second.name.kind == "guest" || known->second.name.kind == "process");
    const bool is_fresh = !sender.port.empty() && is_alone && now - known->second.at < name_lasts;
    guard::SenderName found{sender.port.empty() ? "host" : "port", sender.port, {}};
    if (!is_fresh && may_look_up(now)) {
        found = guard::name_sender({sender.uplink, sender.port, sender.mac, sender.is_raw});
        if (by_port_.size() >= most_ports) by_port_.clear();
        if (!sender.port.empty()) by_port_[sender.port] = {found, now};
    } else if (known != by_port_.end()) {
        found = known->second.name;
    }
    sender.kind = std::move(found.kind);
    sender.name = std::move(found.name);
    sender.detail = std::move(found.detail);
}

void BlockedSenders::heard(const Context& context, const Modes& modes, const guard::Sender& sender, EventLog& log) {
    BlockedSender row;
    row.uplink = sender.uplink;
    row.port = sender.port;
    row.mac = sender.mac;
    row.is_raw = sender.is_raw;
    if (note_blocked(context, row, [this](BlockedSender& unnamed) { name(unnamed); })) tell(row, modes, log);
}

void BlockedSenders::tell(const BlockedSender& sender, const Modes& modes, EventLog& log) {
    if (logged_.size() >= most_ports) logged_.clear();
    const int said =
        ++logged_[sender.uplink + " " + (sender.port.empty() ? sender.kind + " " + sender.name : sender.port)];
    const auto mode = modes.find(sender.uplink);
    const auto verb = mode != modes.end() && mode->second == GuardMode::observe ? " would be stopped" : " are stopped";
    if (said <= most_logged) {
        log.warn("guard-blocked", "frames with the source MAC " + sender.mac.text() + " from " +
                                      runtime::printable(text_of(sender), 200) + verb + " at " + sender.uplink +
                                      ": it may not send with this MAC or address there");
    } else if (said == most_logged + 1) {
        log.warn("guard-blocked", runtime::printable(text_of(sender), 200) + " sends with more and more MACs, which" +
                                      verb + " at " + sender.uplink + ": failover-ip guard status");
    }
}

void BlockedSenders::take_counts(const Context& context, const Modes& modes, EventLog& log) {
    const auto unheard = take_blocked(context, kernel_, lock_, [this](BlockedSender& sender) { name(sender); });
    for (const auto& sender : unheard) tell(sender, modes, log);
}

}  // namespace fip::daemon
