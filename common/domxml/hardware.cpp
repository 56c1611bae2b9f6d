#include "domxml/hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fip::domxml {
namespace {

/// As libvirt writes and reads them: 0x1f, or decimal.
std::optional<unsigned> number(std::optional<std::string_view> text, unsigned most) {
    if (!text) return 0;
    const bool is_hex = text->starts_with("0x");
    const auto digits = text->substr(is_hex ? 2 : 0);
    unsigned value = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, is_hex ? 16 : 10);
    if (error != std::errc{} || stop != end || value > most) return std::nullopt;
    return value;
}

constexpr std::size_t bus_at = 5;  // "dddd:bb:ss.f"
constexpr std::size_t dot_at = 10;

bool is_pc(std::string_view machine) {
    return machine == "pc" || machine.starts_with("pc-i440fx-") ||
           (machine.starts_with("pc-") && machine.size() > 3 && machine[3] >= '0' && machine[3] <= '9');
}

}  // namespace

void Hardware::forbid_hotplug(std::string_view index) {
    if (const auto bus = number(index, 0xFF)) fixed_buses_.insert(*bus);
}

std::string Hardware::add_address(const Attributes& attributes) {
    if (attributes.find("type") != "pci") return {};
    const auto domain = number(attributes.find("domain"), 0xFFFF);
    const auto bus = number(attributes.find("bus"), 0xFF);
    const auto slot = number(attributes.find("slot"), 0x1F);
    const auto function = number(attributes.find("function"), 7);
    if (!domain || !bus || !slot || !function) return {};
    return *places_.insert(fmt::format("{:04x}:{:02x}:{:02x}.{:x}", *domain, *bus, *slot, *function)).first;
}

bool Hardware::can_unplug(const Nic& nic) const {
    const auto& place = nic.place;
    if (place.empty() || place.substr(dot_at) != ".0" || fixed_nics_.contains(nic.index)) return false;
    const auto slot = place.substr(0, dot_at);
    const auto functions =
        std::ranges::count_if(places_, [&](const std::string& other) { return other.starts_with(slot); });
    unsigned bus = 0;
    std::from_chars(place.data() + bus_at, place.data() + bus_at + 2, bus, 16);
    if (functions != 1 || fixed_buses_.contains(bus)) return false;
    return is_pc(machine_) ? has_acpi_ : bus != 0;
}

}  // namespace fip::domxml
