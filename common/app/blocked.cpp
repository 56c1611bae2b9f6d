#include "app/blocked.hpp"

#include <algorithm>
#include <tuple>

namespace fip {
namespace {

/// Frames and senders are the same ones by these three.
template <typename Blocked>
auto key_of(const Blocked& blocked) {
    return std::tie(blocked.uplink, blocked.port, blocked.mac);
}

template <typename Blocked>
auto find_same(const std::vector<BlockedSender>& senders, const Blocked& blocked) {
    return std::find_if(senders.begin(), senders.end(),
                        [&](const BlockedSender& each) { return key_of(each) == key_of(blocked); });
}

std::vector<BlockedSender> remembered(const Context& context) {
    std::vector<BlockedSender> senders;
    context.store.read([&](const Rows& rows) { senders = rows.guard.senders(); });
    return senders;
}

/// The remembered sender of these frames, or a new one, with the frames added.
BlockedSender counted_sender(const std::vector<BlockedSender>& known, const BlockedFrames& counted, WallTime now,
                             const NameSender& name) {
    const auto found = find_same(known, counted);
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
        std::erase_if(senders, [&](const BlockedSender& each) { return key_of(each) == key_of(counted); });
        senders.push_back(std::move(sender));
    }
    std::stable_sort(senders.begin(), senders.end(),
                     [](const BlockedSender& left, const BlockedSender& right) { return left.last > right.last; });
    return senders;
}

std::vector<BlockedSender> take_blocked(const Context& context, Guard& guard, ProviderLock& lock,
                                        const NameSender& name) {
    const auto counts = guard.blocked();
    if (counts.empty()) return {};
    const auto known = remembered(context);
    const auto now = context.clock.now().wall;
    std::vector<BlockedSender> senders;
    senders.reserve(counts.size());
    for (const auto& counted : counts) senders.push_back(counted_sender(known, counted, now, name));
    context.store.write([&](Rows& rows) {
        for (const auto& sender : senders) rows.guard.put(sender);
    });
    {
        const auto held = lock.hold_guard();
        guard.forget_blocked();  // last: counted twice is better than lost
    }
    std::erase_if(senders, [&](const BlockedSender& sender) { return find_same(known, sender) != known.end(); });
    return senders;
}

bool note_blocked(const Context& context, BlockedSender& sender, const NameSender& name) {
    const auto known = remembered(context);
    if (find_same(known, sender) != known.end()) return false;
    name(sender);
    sender.first = sender.last = context.clock.now().wall;
    context.store.write([&](Rows& rows) { rows.guard.put(sender); });
    return true;
}

}  // namespace fip
