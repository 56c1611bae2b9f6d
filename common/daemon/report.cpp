#include "daemon/report.hpp"

#include "daemon/event_log.hpp"
#include "daemon/shown_id.hpp"
#include "runtime/printable.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace fip::daemon {
namespace {

namespace json = boost::json;

// Names come from XML and may hold anything; JSON must be UTF-8, which XML's text is.
json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

template <typename Value>
json::value mac_or_null(const Value& mac) {
    return mac ? json::value(mac->text()) : json::value(nullptr);
}

json::object id_json(const GuestId& id) {
    json::object object{{"kind", name_of(id.kind)}, {"id", shown_id(id)}};
    if (id.kind == GuestKind::proxmox) object["uuid"] = text_or_null(std::string{shown_uuid(id)});
    return object;
}

json::object nic_json(const Guest& guest, const NicView& view) {
    const auto& nics = view.is_live_only ? guest.live_nics : guest.nics;
    const auto worn = std::ranges::find(nics, view.nic, &Nic::index);
    const bool is_there = worn != nics.end();
    json::array addresses;
    for (const auto& lease : view.leases) addresses.emplace_back(lease.address.text());
    return {{"nic", view.nic},
            {"slot", view.slot},
            {"bridge", is_there ? worn->bridge : std::string{}},
            {"mac", is_there ? mac_or_null(worn->mac) : json::value(nullptr)},
            {"pool", text_or_null(view.pool)},
            {"wanted_mac", mac_or_null(view.mac)},
            {"addresses", std::move(addresses)},
            {"problem", text_or_null(view.problem)}};
}

json::object guest_json(const GuestView& view) {
    json::array nics;
    for (const auto& nic : view.plan.nics) nics.push_back(nic_json(view.guest, nic));
    auto object = id_json(view.guest.id);
    object["name"] = view.guest.name;
    object["running"] = view.guest.is_running;
    object["persistent"] = view.guest.is_persistent;
    object["held_back"] = view.is_held_back;
    object["nics"] = std::move(nics);
    object["remarks"] = json::value_from(view.plan.remarks);
    return object;
}

std::string_view name_of_level(Happening::Level level) {
    switch (level) {
    case Happening::Level::info:
        return "info";
    case Happening::Level::warning:
        return "warning";
    case Happening::Level::error:
        return "error";
    }
    return "error";
}

json::object step_json(const Happening& step) {
    json::value guest = nullptr;
    if (step.guest) {
        auto object = id_json(*step.guest);
        object["name"] = step.guest_name;
        guest = std::move(object);
    }
    return {{"guest", std::move(guest)},
            {"address", step.address ? json::value(step.address->text()) : json::value(nullptr)},
            {"level", name_of_level(step.level)},
            {"id", step.id},
            {"text", step.text}};
}

}  // namespace

std::string report_json(const Report& report) {
    json::array guests;
    for (const auto& view : report.all.guests) guests.push_back(guest_json(view));
    json::array steps;
    for (const auto& step : report.steps) steps.push_back(step_json(step));
    json::array would_end;
    for (const auto& id : report.all.would_end) would_end.push_back(id_json(id));
    json::array providers;
    for (const auto& each : report.providers) {
        providers.push_back({{"provider", each.provider}, {"problem", text_or_null(each.problem)}});
    }
    const json::object object{{"origins", json::value_from(report.all.listing.origins)},
                              {"gaps", json::value_from(report.all.listing.gaps)},
                              {"guests", std::move(guests)},
                              {"steps", std::move(steps)},
                              {"would_end", std::move(would_end)},
                              {"providers", std::move(providers)}};
    return json::serialize(object) + "\n";
}

std::string report_text(const Report& report, Effects effects) {
    std::string text;
    const auto add = [&](const std::string& line) { text += runtime::printable(line) + "\n"; };
    for (const auto& step : report.steps) add(line_of(step));
    for (const auto& id : report.all.would_end)
        add(std::string{shown_id(id)} + ": gone; its addresses wait for reconcile --confirm");
    for (const auto& each : report.providers) {
        if (!each.problem.empty()) add("provider " + each.provider + ": " + each.problem);
    }
    for (const auto& gap : report.all.listing.gaps) add("not everything could be seen: " + gap);
    if (text.empty()) add(effects == Effects::apply ? "nothing to do" : "nothing would be done");
    return text;
}

}  // namespace fip::daemon
