#include "config/parse_settings.hpp"

#include "config/fields.hpp"
#include "config/sections.hpp"
#include "config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fip::config {
namespace {

constexpr std::array<std::string_view, 3> wrong_mac_modes{"swap", "hold", "restart"};

std::string check_host(std::string_view text) {
    return is_host_name(text) ? std::string{} : fmt::format("expected a host name, found {}", shown(text));
}

std::string check_store(std::string_view text) {
    constexpr std::string_view scheme = "sqlite:/";
    const bool is_file = text.starts_with(scheme) && text.size() > scheme.size() && text.size() < 4096 &&
                         !text.ends_with('/') &&
                         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return is_file ? std::string{} : fmt::format("expected \"sqlite:/ABSOLUTE/FILE\", found {}", shown(text));
}

OnWrongMac on_wrong_mac(std::string_view text) {
    if (text == "hold") return OnWrongMac::hold;
    return text == "restart" ? OnWrongMac::restart : OnWrongMac::swap;
}

/// The sections that are read key by key. `read` sees an absent section as an empty one's defaults: it is not called.
template <typename Read>
void section(Fields& root, std::string_view name, Read read) {
    const auto* const table = root.table(name);
    if (table == nullptr) return;
    Fields fields{*table, std::string{name}, root.mistakes()};
    read(fields);
    fields.finish();
}

void read_sections(Fields& root, Settings& settings) {
    section(root, "host", [&](Fields& host) { settings.host_name = host.text("name", check_host).value_or(""); });
    section(root, "store", [&](Fields& store) {
        if (const auto url = store.text("url", check_store)) settings.store_file = url->substr(url->find(':') + 1);
    });
    section(root, "libvirt", [&](Fields& libvirt) {
        if (auto uris = libvirt.texts("uris", check_uri)) settings.libvirt_uris = std::move(*uris);
        if (const auto mode = libvirt.choice("on_wrong_mac", wrong_mac_modes))
            settings.on_wrong_mac = on_wrong_mac(*mode);
    });
    section(root, "proxmox", [&](Fields& proxmox) {
        settings.proxmox_notes = proxmox.flag("notes").value_or(settings.proxmox_notes);
        settings.proxmox_ipfilter = proxmox.flag("ipfilter").value_or(settings.proxmox_ipfilter);
    });
    section(root, "hook", [&](Fields& hook) {
        settings.hook_deadline = hook.duration("deadline", Zero::refused).value_or(settings.hook_deadline);
    });
    section(root, "reconcile", [&](Fields& reconcile) {
        settings.interval = reconcile.duration("interval", Zero::refused).value_or(settings.interval);
        settings.grace = reconcile.duration("grace", Zero::refused).value_or(settings.grace);
    });
}

}  // namespace

Settings parse_settings(std::string_view text, std::string_view file_name) {
    const auto document = parse_document(text, file_name);
    Mistakes mistakes;
    Fields root{document, "", mistakes};
    Settings settings;
    Drafts drafts;
    read_sections(root, settings);
    if (const auto* const providers = root.table("providers")) {
        for (const auto& entry : providers->entries) read_provider(entry, drafts, mistakes);
    }
    if (const auto* const pools = root.table("pools")) {
        for (const auto& entry : pools->entries) read_pool(entry, drafts, mistakes);
    }
    root.finish();
    check_pools(drafts, mistakes);
    if (!mistakes.empty()) throw ConfigError{file_name, mistakes.take()};
    for (auto& [name, draft] : drafts.providers) settings.providers.emplace(name, std::move(draft.settings));
    for (auto& [name, draft] : drafts.pools) settings.pools.emplace(name, std::move(draft.settings));
    return settings;
}

}  // namespace fip::config
