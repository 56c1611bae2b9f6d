#include "domxml/edit_domain.hpp"

#include "core/errors.hpp"
#include "domxml/lease_element.hpp"
#include "domxml/limits.hpp"
#include "domxml/read_domain.hpp"
#include "domxml/xml.hpp"

#include <fmt/format.h>

#include <vector>

namespace fip::domxml {
namespace {

bool is_lease(const xmlNode* node) {
    return is_element(node, lease_namespace, "lease");
}

/// The white space that leads to the parent's first child, or nothing where children are not on lines of their own.
std::string leading_space(const xmlNode* parent) {
    const auto* const first = parent->children;
    return first != nullptr && is_space(first) ? std::string{view(first->content)} : std::string{};
}

/// "\n    " of "\n\n    ": only the last line matters to what is added.
std::string last_line(const std::string& space) {
    const auto line = space.rfind('\n');
    return line == std::string::npos ? space : space.substr(line);
}

std::vector<xmlNode*> interfaces(const xmlNode* domain) {
    std::vector<xmlNode*> result;
    for (auto* devices = domain->children; devices != nullptr; devices = devices->next) {
        if (!is_element(devices, "", "devices")) continue;
        for (auto* node = devices->children; node != nullptr; node = node->next) {
            if (is_element(node, "", "interface")) result.push_back(node);
        }
    }
    return result;
}

bool set_mac(xmlNode* interface, const Mac& mac) {
    if (auto* const node = child(interface, "mac")) {
        if (Mac::try_parse(attribute(node, "address")) == mac) return false;
        set_attribute(node, "address", mac.text());
        return true;
    }
    auto node = new_element("mac");
    set_attribute(node.get(), "address", mac.text());
    const auto space = leading_space(interface);
    if (interface->children == nullptr) {
        append(interface, std::move(node));
    } else if (space.empty()) {
        insert_before(interface->children, std::move(node));
    } else {
        insert_after(insert_after(interface->children, std::move(node)), new_text(space));
    }
    return true;
}

/// Behind the last of the elements that libvirt writes before metadata.
xmlNode* make_metadata(xmlNode* domain) {
    xmlNode* place = nullptr;
    for (const char* const name : {"name", "uuid", "genid", "title", "description"}) {
        auto* const node = child(domain, name);
        if (node == nullptr) continue;
        auto* before = node;
        while (before != nullptr && before != place) before = before->prev;
        if (place == nullptr || before == place) place = node;
    }
    const auto space = leading_space(domain);
    if (place != nullptr) {
        auto* const metadata = insert_after(place, new_element("metadata"));
        if (!space.empty()) insert_before(metadata, new_text(space));
        return metadata;
    }
    if (domain->children == nullptr) return append(domain, new_element("metadata"));
    auto* const metadata = insert_before(domain->children, new_element("metadata"));
    if (!space.empty()) insert_before(metadata, new_text(space));
    return metadata;
}

/// Does the metadata look as add_lease() leaves one that it made: our element alone, with space on both sides?
bool is_made_for_us(const xmlNode* metadata, const xmlNode* lease) {
    return lease->prev == metadata->children && is_space(lease->prev) && lease->next == metadata->last &&
           is_space(lease->next) && metadata->properties == nullptr && metadata->nsDef == nullptr;
}

void remove_with_space(xmlNode* node) {
    if (is_space(node->prev)) erase(node->prev);
    erase(node);
}

void remove_lease(xmlNode* lease) {
    auto* const metadata = lease->parent;
    remove_with_space(is_made_for_us(metadata, lease) ? metadata : lease);
}

void add_lease(xmlNode* domain, xmlNode* metadata, const std::vector<NicRecord>& records) {
    if (metadata == nullptr) {
        const auto outer = last_line(leading_space(domain));
        const auto inner = outer.empty() ? std::string{"\n"} : outer + "  ";
        metadata = make_metadata(domain);
        append(metadata, new_text(inner));
        append(metadata, lease_element(records, inner));
        append(metadata, new_text(outer.empty() ? "\n" : outer));
        return;
    }
    const auto space = leading_space(metadata);
    auto lease = lease_element(records, space.empty() ? "\n    " : last_line(space));
    auto* last = metadata->last;
    while (last != nullptr && last->type == XML_TEXT_NODE) last = last->prev;
    if (last != nullptr) {
        auto* const added = insert_after(last, std::move(lease));
        if (!space.empty()) insert_before(added, new_text(space));
    } else if (metadata->children != nullptr) {
        // No space before it: so it is known later that this metadata was not made for it.
        insert_before(metadata->children, std::move(lease));
    } else {
        append(metadata, std::move(lease));
    }
}

bool set_records(xmlNode* domain, const std::vector<NicRecord>& records) {
    auto* const metadata = child(domain, "metadata");
    std::vector<xmlNode*> found;
    for (auto* node = metadata == nullptr ? nullptr : metadata->children; node != nullptr; node = node->next) {
        if (is_lease(node)) found.push_back(node);
    }
    if (found.empty()) {
        if (records.empty()) return false;
        add_lease(domain, metadata, records);
        return true;
    }
    bool is_changed = false;
    while (found.size() > 1) {
        remove_with_space(found.back());
        found.pop_back();
        is_changed = true;
    }
    if (records.empty()) {
        remove_lease(found.front());
        return true;
    }
    const auto space = is_space(found.front()->prev) ? std::string{view(found.front()->prev->content)} : "\n    ";
    auto wanted = lease_element(records, last_line(space));
    if (is_same(found.front(), wanted.get())) return is_changed;
    insert_after(found.front(), std::move(wanted));
    erase(found.front());
    return true;
}

}  // namespace

std::string edit_domain(const std::string& xml, const GuestEdit& edit) {
    const auto before = read_domain(xml);  // the limits, before libxml2 sees the text
    const auto document = parse(xml);
    auto* const domain = xmlDocGetRootElement(document.get());
    const auto nics = interfaces(domain);
    if (nics.size() != before.guest.nics.size()) throw InputError{"domain XML: two readers see different interfaces"};
    bool is_changed = false;
    for (const auto& [nic, mac] : edit.macs) {
        if (nic >= nics.size()) throw InputError{fmt::format("domain XML: there is no interface {}", nic)};
        is_changed = set_mac(nics[nic], mac) || is_changed;
    }
    is_changed = set_records(domain, edit.records) || is_changed;
    if (!is_changed) return xml;
    const bool has_declaration = xml.starts_with("<?xml") || xml.starts_with("\xEF\xBB\xBF<?xml");
    return serialise(document, has_declaration ? Declaration::with : Declaration::without);
}

}  // namespace fip::domxml
