#include "guard_view.hpp"

#include "app/blocked.hpp"
#include "core/time.hpp"
#include "guard/sender_name.hpp"
#include "lease_view.hpp"
#include "render.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <algorithm>

namespace fip::cli {
namespace {

namespace json = boost::json;

const UplinkState* standing_at(const GuardView& view, const std::string& uplink) {
    const auto found = std::find_if(view.standing.begin(), view.standing.end(),
                                    [&](const UplinkState& each) { return each.uplink == uplink; });
    return found == view.standing.end() ? nullptr : &*found;
}

/// One that has no device yet has no last wall, and nothing can leave by it.
bool stands(const GuardView& view, const BridgeGuard& bridge, const std::string& uplink) {
    const auto* state = standing_at(view, uplink);
    return state != nullptr && state->mode == bridge.mode;
}

Colour colour_of(std::string_view state) {
    if (state == "up") return Colour::green;
    if (state == "off") return Colour::dim;
    return state == "observe" ? Colour::yellow : Colour::red;
}

json::object json_of_bridge(const GuardView& view, const BridgeGuard& bridge) {
    json::object object;
    object["bridge"] = utf8(bridge.bridge);
    object["mode"] = name_of(bridge.mode);
    object["state"] = state_of(view, bridge);
    object["problem"] = bridge.problem.empty() ? json::value(nullptr) : json::value(utf8(bridge.problem));
    auto& uplinks = object["uplinks"].emplace_array();
    for (const auto& uplink : bridge.uplinks) {
        const auto* state = standing_at(view, uplink);
        json::object entry;
        entry["uplink"] = utf8(uplink);
        entry["mode"] = name_of(state == nullptr ? GuardMode::off : state->mode);
        entry["last_wall"] = state != nullptr && state->has_last_wall;
        entry["macs"] = state == nullptr ? 0 : state->macs;
        uplinks.push_back(std::move(entry));
    }
    return object;
}

std::string bridges_text(const GuardView& view, bool is_coloured) {
    Table table{{"BRIDGE", "UPLINK", "MODE", "STATE", "MACS"}};
    for (const auto& bridge : view.plan.bridges) {
        const auto state = state_of(view, bridge);
        if (bridge.uplinks.empty()) {
            table.add({{bridge.bridge},
                       {"-"},
                       {std::string{name_of(bridge.mode)}},
                       {std::string{state}, colour_of(state)},
                       {"-"}});
        }
        for (const auto& uplink : bridge.uplinks) {
            const auto* standing = standing_at(view, uplink);
            table.add({{bridge.bridge},
                       {uplink},
                       {std::string{name_of(bridge.mode)}},
                       {std::string{state}, colour_of(state)},
                       {standing == nullptr ? "-" : std::to_string(standing->macs)}});
        }
    }
    auto text = table.text(is_coloured);
    for (const auto& bridge : view.plan.bridges) {
        if (!bridge.problem.empty()) text += shown(bridge.problem, 400) + "\n";
    }
    return text;
}

std::string blocked_text(const GuardView& view, bool is_coloured) {
    if (view.blocked.empty()) return "\nNobody was stopped.\n";
    Table table{{"FRAMES", "SENDER", "MAC", "UPLINK", "LAST"}};
    for (const auto& sender : view.blocked) {
        table.add({{std::to_string(sender.frames)},
                   {fip::text_of(sender)},
                   {sender.mac.text()},
                   {sender.uplink},
                   {rfc3339(sender.last)}});
    }
    return "\nStopped:\n" + table.text(is_coloured);
}

}  // namespace

std::string_view state_of(const GuardView& view, const BridgeGuard& bridge) {
    if (bridge.mode == GuardMode::off) return "off";
    const auto standing = std::count_if(bridge.uplinks.begin(), bridge.uplinks.end(),
                                        [&](const std::string& uplink) { return stands(view, bridge, uplink); });
    if (standing == 0 || bridge.is_elsewhere) return "down";
    if (static_cast<std::size_t>(standing) < bridge.uplinks.size()) return "partial";
    return bridge.mode == GuardMode::observe ? "observe" : "up";
}

std::string_view state_of(const GuardView& view) {
    constexpr std::string_view order[] = {"off", "up", "observe", "partial", "down"};
    const auto* worst = std::begin(order);
    for (const auto& bridge : view.plan.bridges) {
        worst = std::max(worst, std::find(std::begin(order), std::end(order), state_of(view, bridge)));
    }
    return *worst;
}

void name_blocked(BlockedSender& sender) {
    auto found = guard::name_sender({sender.uplink, sender.port, sender.mac, sender.is_raw});
    sender.kind = std::move(found.kind);
    sender.name = std::move(found.name);
    sender.detail = std::move(found.detail);
}

json::object json_of(const BlockedSender& sender) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? json::value(nullptr) : json::value(utf8(text));
    };
    json::object object;
    object["uplink"] = utf8(sender.uplink);
    object["port"] = or_null(sender.port);
    object["mac"] = sender.mac.text();
    object["kind"] = or_null(sender.kind);
    object["name"] = or_null(sender.name);
    object["detail"] = or_null(sender.detail);
    object["sender"] = utf8(fip::text_of(sender));
    object["frames"] = sender.frames;
    object["first"] = rfc3339(sender.first);
    object["last"] = rfc3339(sender.last);
    return object;
}

json::object json_of(const GuardView& view) {
    json::object object;
    object["state"] = state_of(view);
    object["taken_down"] = view.is_down;
    auto& bridges = object["bridges"].emplace_array();
    for (const auto& bridge : view.plan.bridges) bridges.push_back(json_of_bridge(view, bridge));
    auto& blocked = object["blocked"].emplace_array();
    for (const auto& sender : view.blocked) blocked.push_back(json_of(sender));
    return object;
}

std::string text_of(const GuardView& view, bool is_coloured) {
    std::string text;
    if (view.is_down)
        text +=
            "Taken down by hand: unknown MACs may leave, and the provider may close the port.\n"
            "Up again: failover-ip guard up\n\n";
    return text + bridges_text(view, is_coloured) + blocked_text(view, is_coloured);
}

}  // namespace fip::cli
