#include "domxml/lease_element.hpp"

#include "core/errors.hpp"
#include "domxml/limits.hpp"

#include <fmt/format.h>
#include <libxml/xmlstring.h>

#include <algorithm>
#include <new>

namespace fip::domxml {
namespace {

void set_checked(xmlNode* node, const char* name, const std::string& value) {
    const bool is_text = xmlCheckUTF8(to_xml(value)) != 0 && value.find('\0') == std::string::npos &&
                         std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
    if (!is_text) throw InputError{std::string{"lease record: "} + name + " holds what XML cannot"};
    set_attribute(node, name, value);
}

LooseNode element(const char* name, xmlNs* space) {
    auto result = new_element(name);
    xmlSetNs(result.get(), space);
    return result;
}

const xmlNode* skip(const xmlNode* node) {
    while (node != nullptr && (node->type == XML_COMMENT_NODE || is_space(node))) node = node->next;
    return node;
}

std::vector<std::string> attributes(const xmlNode* node) {
    std::vector<std::string> result;
    for (const auto* one = node->properties; one != nullptr; one = one->next) {
        const auto space = one->ns == nullptr ? std::string_view{} : view(one->ns->href);
        const auto name = view(one->name);
        const std::unique_ptr<xmlChar, decltype(xmlFree)> value{
            xmlNodeGetContent(reinterpret_cast<const xmlNode*>(one)), xmlFree};
        result.push_back(fmt::format("{}\n{}\n{}", space, name, view(value.get())));
    }
    std::ranges::sort(result);
    return result;
}

}  // namespace

LooseNode lease_element(const std::vector<NicRecord>& records, const std::string& indent) {
    auto lease = new_element("lease");
    auto* const space = xmlNewNs(lease.get(), to_xml(lease_namespace), nullptr);
    if (space == nullptr) throw std::bad_alloc{};
    xmlSetNs(lease.get(), space);
    for (const auto& record : records) {
        append(lease.get(), new_text(indent + "  "));
        auto* const nic = append(lease.get(), element("nic", space));
        set_attribute(nic, "mac", record.mac.text());
        set_checked(nic, "pool", record.pool);
        if (!record.hostname.empty()) set_checked(nic, "hostname", record.hostname);
        for (const auto& place : record.addresses) {
            append(nic, new_text(indent + "    "));
            auto* const address = append(nic, element("address", space));
            if (place.gateway) set_attribute(address, "gateway", place.gateway->text());
            set_attribute(address, "prefix", std::to_string(place.address.bits()));
            append(address, new_text(place.address.text()));
        }
        if (!record.addresses.empty()) append(nic, new_text(indent + "  "));
    }
    append(lease.get(), new_text(indent));
    return lease;
}

bool is_same(const xmlNode* left, const xmlNode* right) {
    if (left->type != right->type) return false;
    if (left->type != XML_ELEMENT_NODE) return view(left->content) == view(right->content);
    const auto space = right->ns == nullptr ? std::string{} : std::string{view(right->ns->href)};
    const std::string name{view(right->name)};
    if (!is_element(left, space.c_str(), name.c_str()) || attributes(left) != attributes(right)) return false;
    const auto* l = skip(left->children);
    const auto* r = skip(right->children);
    while (l != nullptr && r != nullptr) {
        if (!is_same(l, r)) return false;
        l = skip(l->next);
        r = skip(r->next);
    }
    return l == nullptr && r == nullptr;
}

}  // namespace fip::domxml
