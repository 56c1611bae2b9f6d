#include "simulators/switch/status.hpp"

#include <fmt/format.h>

namespace fip::sim {
namespace {

namespace json = boost::json;

std::string_view name_of(Port::State state) {
    switch (state) {
    case Port::State::open:
        return "open";
    case Port::State::closed:
        return "closed";
    case Port::State::unplugged:
        return "unplugged";
    }
    return "";
}

json::value to_json(const std::optional<Exhibit>& frame) {
    if (!frame) return nullptr;
    const auto at = std::chrono::duration_cast<std::chrono::microseconds>(frame->at.time_since_epoch());
    json::object out{{"mac", text_of(frame->mac)},
                     {"ethertype", fmt::format("0x{:04x}", frame->ethertype)},
                     {"at_us", at.count()},
                     {"start", hex_of(frame->start)}};
    if (frame->claimed) out["claimed"] = text_of(*frame->claimed);
    return out;
}

}  // namespace

json::object to_json(const Port& port) {
    const auto& record = port.record;
    json::object frames;
    for (const auto& [mac, count] : record.frames) frames[text_of(mac)] = count;
    return {{"name", port.plan.name},
            {"device", port.plan.device},
            {"server", port.plan.server ? json::value(port.plan.server->text()) : json::value(nullptr)},
            {"mac", port.plan.mac ? json::value(port.plan.mac->text()) : json::value(nullptr)},
            {"state", name_of(port.state)},
            {"closed_by", to_json(record.closed_by)},
            {"received", record.received},
            {"sent", record.sent},
            {"refused", record.refused},
            {"withheld", record.withheld},
            {"unreadable", record.unreadable},
            {"unsent", record.unsent},
            {"lost", record.lost},
            {"spoofed", record.spoofed},
            {"last_spoofed", to_json(record.last_spoofed)},
            {"frames", std::move(frames)}};
}

}  // namespace fip::sim
