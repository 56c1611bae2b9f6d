#include "app/blocked.hpp"

#include <algorithm>
#include <tuple>

namespace fip {
namespace {

bool is_same(const BlockedSender& sender, const BlockedFrames& counted) {
    return std::tie(sender.uplink, sender.port, sender.mac) == std::tie(counted.uplink, counted.port, counted.mac);
}

std::vector<BlockedSender> remembered(const Context& context) {
    std::vector<BlockedSender> senders;
    context.store.read([&](const Rows& rows) { senders = rows.guard.senders(); });
    return senders;
}

/// The remembered sender of these frames, or a new one, with the frames added.
BlockedSender counted_sender(const std::vector<BlockedSender>& known, const BlockedFrames& counted, WallTime now,
                             const NameSender& name) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const BlockedSender& each) { return is_same(each, counted); });
    BlockedSender sender;
    if (found != known.end()) {
        sender = *found;
        // Found in a hurry, or somebody else may sit at that port by now.
        const bool is_unsure = sender.kind == "port" || sender.kind == "host";
        if (is_unsure || now - sender.last > std::chrono::minutes{10}) name(sender);
    } else {
        sender.uplink = counted.uplink;
        sender.port = counted.port;
        sender.mac = counted.mac;
        sender.is_raw = counted.is_raw;
        sender.first = now;
        name(sender);
    }
    sender.frames += counted.frames;
    if (counted.frames > 0) sender.last = now;
    return sender;
}

}  // namespace

std::string text_of(const BlockedSender& sender) {
    auto text = sender.kind + (sender.name.empty() ? "" : " " + sender.name);
    auto more = sender.port == sender.name ? std::string{} : sender.port;
    if (!sender.detail.empty()) more += (more.empty() ? "" : ", ") + sender.detail;
    return more.empty() ? text : text + " (" + more + ")";
}

std::vector<BlockedSender> view_blocked(const Context& context, const Guard& guard, const NameSender& name) {
    auto senders = remembered(context);
    const auto now = context.clock.now().wall;
    for (const auto& counted : guard.blocked()) {
        auto sender = counted_sender(senders, counted, now, name);
        std::erase_if(senders, [&](const BlockedSender& each) { return is_same(each, counted); });
        senders.push_back(std::move(sender));
    }
    std::stable_sort(senders.begin(), senders.end(),
                     [](const BlockedSender& left, const BlockedSender& right) { return left.last > right.last; });
    return senders;
}

bool take_blocked(const Context& context, Guard& guard, const NameSender& name) {
    const auto counts = guard.blocked();
    if (counts.empty()) return false;
    const auto known = remembered(context);
    const auto now = context.clock.now().wall;
    std::vector<BlockedSender> fresh;
    for (const auto& counted : counts) fresh.push_back(counted_sender(known, counted, now, name));
    context.store.write([&](Rows& rows) {
        for (const auto& sender : fresh) rows.guard.put(sender);
    });
    guard.forget_blocked();  // last: counted twice is better than lost
    return true;
}

bool note_blocked(const Context& context, BlockedSender sender) {
    const auto known = remembered(context);
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const BlockedSender& each) {
        return std::tie(each.uplink, each.port, each.mac) == std::tie(sender.uplink, sender.port, sender.mac);
    });
    if (is_known) return false;
    sender.first = sender.last = context.clock.now().wall;
    context.store.write([&](Rows& rows) { rows.guard.put(sender); });
    return true;
}

}  // namespace fip
