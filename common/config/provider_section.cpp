#include "config/fields.hpp"
#include "config/sections.hpp"
#include "config/values.hpp"
#include "core/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace fip::config {
namespace {

constexpr std::array<std::string_view, 2> built{"online", "manual"};
constexpr std::array<std::string_view, 4> planned{"scaleway-dedibox", "scaleway-flexible-ip", "ovh", "hetzner-robot"};

std::string check_type(std::string_view text) {
    if (std::ranges::find(built, text) != built.end()) return {};
    if (std::ranges::find(planned, text) != planned.end()) {
        return fmt::format("{} is not built yet; this version has online and manual", text);
    }
    std::vector<std::string_view> all{built.begin(), built.end()};
    all.insert(all.end(), planned.begin(), planned.end());
    return fmt::format("expected online or manual, found {}{}", shown(text), did_you_mean(text, all));
}

// The text is never quoted: people have pasted the token itself here.
std::string check_token_file(std::string_view text) {
    const bool is_file = text.starts_with('/') && !text.ends_with('/') && text.size() < 4096 &&
                         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return is_file ? std::string{} : "expected the absolute path of a file that holds the token";
}

std::string check_server_address(std::string_view text) {
    const auto address = Address::try_parse(text);
    if (address && address->is_v4()) return {};
    return fmt::format("expected the main IPv4 address of this server, found {}", shown(text));
}

std::string check_server_name(std::string_view text) {
    if (is_host_name(text) || Address::try_parse(text)) return {};
    return fmt::format("expected a name or address, found {}", shown(text));
}

void read_online(Fields& fields, ProviderSettings& provider) {
    provider.endpoint = fields.text("endpoint", check_endpoint).value_or("https://api.online.net/api/v1");
    while (provider.endpoint.ends_with('/')) provider.endpoint.pop_back();
    provider.token_file = fields.text("token_file", check_token_file).value_or("");
    if (fields.find("server") == nullptr) {
        fields.mistake("server", "missing; expected the main IPv4 address of this server");
    }
    provider.server = fields.text("server", check_server_address).value_or("");
    if (fields.find("addresses") != nullptr) {
        fields.mistake("addresses",
                       "only providers of type manual have a list; to use some of the provider's "
                       "addresses, put the list in the pool");
    }
}

void read_manual(Fields& fields, ProviderDraft& draft) {
    for (const std::string_view key : {"endpoint", "token_file"}) {
        if (fields.find(key) != nullptr) fields.mistake(key, "a provider of type manual has no API");
    }
    draft.settings.server = fields.text("server", check_server_name).value_or("");
    if (fields.find("addresses") == nullptr) return;
    draft.has_list = true;
    if (const auto* const list = fields.list("addresses")) {
        draft.list = read_addresses(*list, fields.path_of("addresses"), Form::also_tables, fields.mistakes());
    }
}

/// {address = "192.0.2.5", mac = "02:00:00:00:00:05"}
void read_fixed(const Value& table, const std::string& path, AddressList& result, Mistakes& mistakes) {
    Fields fields{table, path, mistakes};
    if (fields.find("address") == nullptr) fields.mistake("address", "missing; expected an IP address");
    FixedAddress fixed;
    const auto address = fields.text("address", [&](std::string_view text) {
        const auto found = Address::try_parse(text);
        fixed.address = found.value_or(Address{});
        return found ? std::string{} : fmt::format("expected an IP address, found {}", shown(text));
    });
    (void)fields.text("mac", [&](std::string_view text) {
        fixed.mac = Mac::try_parse(text);
        return fixed.mac ? std::string{}
                         : fmt::format("expected a MAC address like \"02:00:00:00:00:05\", found {}", shown(text));
    });
    fields.finish();
    if (address) result.fixed.push_back({fixed, Prefix::parse(*address), {table.line, path}});
}

}  // namespace

AddressList read_addresses(const Value& list, const std::string& path, Form form, Mistakes& mistakes) {
    AddressList result;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        const auto& item = list.items[i];
        auto item_path = fmt::format("{}[{}]", path, i);
        if (item.kind == Kind::table && form == Form::also_tables) {
            read_fixed(item, item_path, result, mistakes);
            continue;
        }
        if (item.kind != Kind::text) {
            mistakes.add(
                item.line, item_path,
                fmt::format("expected an address or a range like \"203.0.113.0/28\", found {}", name_of(item.kind)));
            continue;
        }
        try {
            result.ranges.push_back({Prefix::parse(item.text), {item.line, std::move(item_path)}});
        } catch (const InputError& error) {
            mistakes.add(
                item.line, item_path,
                fmt::format("expected an address or a range like \"203.0.113.0/28\": {}", printable(error.what())));
        }
    }
    if (list.items.empty()) mistakes.add(list.line, path, "expected at least one address or range");
    return result;
}

void read_provider(const Entry& section, Drafts& drafts, Mistakes& mistakes) {
    const auto path = "providers." + shown(section.key);
    ProviderDraft draft;
    draft.settings.name = section.key;
    draft.spot = {section.line, path};
    if (!is_section_name(section.key)) {
        mistakes.add(section.line, path, "expected a name of letters, digits, - and _, at most 64 characters");
        return;
    }
    // It is known by name even when it is wrong inside, so that its pools are not reported as well.
    if (section.value.kind != Kind::table) {
        mistakes.add(section.line, path, fmt::format("expected a table, found {}", name_of(section.value.kind)));
    } else {
        Fields fields{section.value, path, mistakes};
        if (fields.find("type") == nullptr) fields.mistake("type", "missing; expected online or manual");
        draft.settings.type = fields.text("type", check_type).value_or("");
        if (draft.settings.type == "online") read_online(fields, draft.settings);
        if (draft.settings.type == "manual") read_manual(fields, draft);
        if (draft.settings.type.empty()) {
            for (const std::string_view key : {"endpoint", "token_file", "server", "addresses"}) (void)fields.find(key);
        }
        fields.finish();
    }
    drafts.providers.emplace(section.key, std::move(draft));
}

}  // namespace fip::config
