#include "guests.hpp"

#include "hypervisors.hpp"
#include "programs.hpp"
#include "runtime/printable.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace fip::cli {
namespace {

namespace json = boost::json;

// Fields that are absent or null are empty: an older or newer daemon may say less.
std::string text_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

bool flag_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

int number_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
}

const json::array& list_at(const json::object& object, std::string_view key) {
    static const json::array nothing;
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_array() ? value->get_array() : nothing;
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    for (const auto& value : list_at(object, key)) {
        if (value.is_string()) texts.emplace_back(value.get_string());
    }
    return texts;
}

NicOfHost read_nic(const json::object& object) {
    return {number_at(object, "nic"),      text_at(object, "slot"),   text_at(object, "bridge"),
            text_at(object, "mac"),        text_at(object, "pool"),   text_at(object, "wanted_mac"),
            texts_at(object, "addresses"), text_at(object, "problem")};
}

// Proxmox' VMIDs are used again: its uuid tells one guest from the next.
GuestId read_id(const json::object& object) {
    const bool is_proxmox = text_at(object, "kind") == "proxmox";
    GuestId id{is_proxmox ? GuestKind::proxmox : GuestKind::libvirt, text_at(object, "id")};
    const auto uuid = is_proxmox ? text_at(object, "uuid") : std::string{};
    if (!uuid.empty()) id.value += "/" + uuid;
    return id;
}

GuestOfHost read_guest(const json::object& object) {
    GuestOfHost guest{read_id(object),
                      text_at(object, "name"),
                      flag_at(object, "running"),
                      flag_at(object, "persistent"),
                      flag_at(object, "held_back"),
                      {},
                      texts_at(object, "remarks")};
    for (const auto& nic : list_at(object, "nics")) {
        if (nic.is_object()) guest.nics.push_back(read_nic(nic.get_object()));
    }
    return guest;
}

StepOfHost read_step(const json::object& object) {
    StepOfHost step{{}, text_at(object, "address"), text_at(object, "text")};
    if (const auto* guest = object.if_contains("guest"); guest != nullptr && guest->is_object()) {
        step.guest = read_id(guest->get_object());
    }
    return step;
}

GuestsOfHost ask(const Workplace& workplace, const Hypervisor& hypervisor) {
    const auto gap = [&](const std::string& why) {
        return GuestsOfHost{{}, {{hypervisor.kind, std::string{hypervisor.name} + why}}, {}, {}};
    };
    auto arguments = hypervisor.once;
    for (const auto* more : {"--dry-run", "--json", "--config"}) arguments.emplace_back(more);
    arguments.push_back(workplace.config().string());
    try {
        const auto ran = run_program(hypervisor.program, arguments, Streams::captured);
        // It exits with 1 also for a listing with gaps, and prints it nevertheless.
        if (!ran.out.empty()) return parse_guests(ran.out, hypervisor.kind);
        return gap(" does not answer: " + runtime::last_line(ran.err));
    } catch (const std::runtime_error& e) {
        return gap(std::string{" could not be asked: "} + e.what());
    }
}

}  // namespace

const GuestOfHost* GuestsOfHost::find(const GuestId& id) const {
    const auto found = std::ranges::find(guests, id, &GuestOfHost::id);
    return found == guests.end() ? nullptr : &*found;
}

std::vector<std::string> GuestsOfHost::gaps_of(GuestKind kind) const {
    std::vector<std::string> texts;
    for (const auto& gap : gaps) {
        if (gap.kind == kind) texts.push_back(gap.text);
    }
    return texts;
}

GuestsOfHost parse_guests(std::string_view text, GuestKind kind) {
    json::error_code error;
    const auto value = json::parse(text, error);
    if (error || !value.is_object()) throw std::runtime_error{"the answer about the guests cannot be read"};
    const auto& object = value.get_object();
    GuestsOfHost host{texts_at(object, "origins"), {}, {}, {}};
    for (auto& gap : texts_at(object, "gaps")) host.gaps.push_back({kind, std::move(gap)});
    for (const auto& guest : list_at(object, "guests")) {
        if (guest.is_object()) host.guests.push_back(read_guest(guest.get_object()));
    }
    for (const auto& step : list_at(object, "steps")) {
        if (step.is_object()) host.steps.push_back(read_step(step.get_object()));
    }
    return host;
}

GuestsOfHost ask_host(const Workplace& workplace) {
    GuestsOfHost host;
    for (const auto& hypervisor : hypervisors()) {
        auto answer = ask(workplace, hypervisor);
        std::ranges::move(answer.origins, std::back_inserter(host.origins));
        std::ranges::move(answer.gaps, std::back_inserter(host.gaps));
        std::ranges::move(answer.guests, std::back_inserter(host.guests));
        std::ranges::move(answer.steps, std::back_inserter(host.steps));
    }
    return host;
}

}  // namespace fip::cli
