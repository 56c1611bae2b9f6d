#include "config/fields.hpp"
#include "config/sections.hpp"
#include "config/values.hpp"

#include <fmt/format.h>

#include <array>

namespace fip::config {
namespace {

constexpr std::array<std::string_view, 3> mac_types{"kvm", "xen", "vmware"};
constexpr std::array<std::string_view, 3> guard_modes{"enforce", "observe", "off"};
constexpr Limits max_addresses_limits{1, 256};
constexpr Limits warm_limits{0, 1000};

std::string check_interface(std::string_view text) {
    if (is_interface_name(text)) return {};
    return fmt::format("expected the name of a network interface, at most 15 characters, found {}", shown(text));
}

std::string check_name(std::string_view text) {
    return is_section_name(text) ? std::string{}
                                 : fmt::format("expected the name of a provider, found {}", shown(text));
}

GuardMode guard_mode(std::string_view text) {
    if (text == "observe") return GuardMode::observe;
    return text == "off" ? GuardMode::off : GuardMode::enforce;
}

void read_networks(Fields& fields, PoolDraft& draft) {
    auto& pool = draft.settings;
    if (fields.find("bridges") == nullptr) {
        fields.mistake("bridges", "missing; expected a list of bridges like [\"br0\"]");
    }
    if (auto bridges = fields.texts("bridges", check_interface)) pool.bridges = std::move(*bridges);
    if (auto uplinks = fields.texts("uplinks", check_interface)) pool.uplinks = std::move(*uplinks);
    if (const auto* const list = fields.list("addresses")) {
        draft.list = read_addresses(*list, fields.path_of("addresses"), Form::also_tables, fields.mistakes());
    }
    if (const auto* const list = fields.list("ipv6")) {
        const auto found = read_addresses(*list, fields.path_of("ipv6"), Form::strings_only, fields.mistakes());
        for (const auto& [prefix, spot] : found.ranges) {
            if (prefix.first().is_v4()) fields.mistakes().add(spot.line, spot.key, "expected an IPv6 prefix");
            pool.ipv6.push_back(prefix);
        }
    }
}

}  // namespace

void read_pool(const Entry& section, Drafts& drafts, Mistakes& mistakes) {
    const auto path = "pools." + shown(section.key);
    if (!is_section_name(section.key)) {
        mistakes.add(section.line, path, "expected a name of letters, digits, - and _, at most 64 characters");
        return;
    }
    if (section.value.kind != Kind::table) {
        mistakes.add(section.line, path, fmt::format("expected a table, found {}", name_of(section.value.kind)));
        return;
    }
    Fields fields{section.value, path, mistakes};
    PoolDraft draft;
    auto& pool = draft.settings;
    const auto spot = [&](std::string_view key) { return Spot{fields.line_of(key), fields.path_of(key)}; };
    draft.spot = {section.line, path};
    draft.provider = spot("provider");
    draft.bridges = spot("bridges");
    draft.marked_default = spot("default");

    pool.name = section.key;
    if (fields.find("provider") == nullptr) fields.mistake("provider", "missing; expected the name of a provider");
    pool.provider = fields.text("provider", check_name).value_or("");
    read_networks(fields, draft);
    pool.mac_type = fields.choice("mac_type", mac_types).value_or(pool.mac_type);
    pool.hostname = fields.text("hostname", check_template).value_or("");
    pool.max_addresses = fields.number("max_addresses", max_addresses_limits).value_or(pool.max_addresses);
    pool.warm = fields.number("warm", warm_limits).value_or(pool.warm);
    pool.cooldown = fields.duration("cooldown", Zero::allowed).value_or(pool.cooldown);
    if (const auto guard = fields.choice("guard", guard_modes)) pool.guard = guard_mode(*guard);
    pool.is_default = fields.flag("default").value_or(false);
    fields.finish();
    drafts.pools.emplace(section.key, std::move(draft));
}

}  // namespace fip::config
