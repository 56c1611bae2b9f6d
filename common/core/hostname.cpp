#include "core/hostname.hpp"

#include <algorithm>

namespace fip {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_label_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string value_of(std::string_view placeholder, const NameFacts& facts) {
    if (placeholder == "name") return dns_label(facts.name);
    if (placeholder == "uuid") return facts.guest.kind == GuestKind::libvirt ? dns_label(facts.guest.value) : "";
    if (placeholder == "vmid") {
        return facts.guest.kind == GuestKind::proxmox
                   ? dns_label(facts.guest.value.substr(0, facts.guest.value.find('/')))
                   : "";
    }
    if (placeholder == "ip-dashed") return facts.address.dashed();
    if (placeholder == "host") return dns_label(facts.host.substr(0, facts.host.find('.')));
    return "";
}

}  // namespace

std::string dns_label(std::string_view text) {
    std::string label;
    for (const char raw : text) {
        const char c = lower(raw);
        const bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_kept) label += c;
        if (!is_kept && !label.empty() && label.back() != '-') label += '-';
        if (label.size() == 63) break;
    }
    while (!label.empty() && label.back() == '-') label.pop_back();
    return label;
}

bool is_dns_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253 || text.find('.') == std::string_view::npos) return false;
    while (true) {
        const auto dot = text.find('.');
        const auto label = text.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
        if (!std::all_of(label.begin(), label.end(), is_label_char)) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

std::string expand_hostname(std::string_view text, const NameFacts& facts) {
    std::string name;
    while (!text.empty()) {
        if (text.front() != '{') {
            name += lower(text.front());
            text.remove_prefix(1);
            continue;
        }
        const auto end = text.find('}');
        if (end == std::string_view::npos) return {};
        const auto value = value_of(text.substr(1, end - 1), facts);
        if (value.empty()) return {};
        name += value;
        text.remove_prefix(end + 1);
    }
    if (!name.empty() && name.back() == '.') name.pop_back();
    return is_dns_name(name) ? name : std::string{};
}

}  // namespace fip
