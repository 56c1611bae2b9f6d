#pragma once

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <memory>
#include <string>
#include <string_view>

namespace fip::domxml {

// Owners of libxml2's objects. For this folder's sources only.

struct FreeDocument {
    void operator()(xmlDoc* document) const noexcept { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, FreeDocument>;

struct FreeNode {
    void operator()(xmlNode* node) const noexcept { xmlFreeNode(node); }
};
/// A node that is in no document's tree.
using LooseNode = std::unique_ptr<xmlNode, FreeNode>;

/// No network, no entities, no DTD; space, comments and CDATA are kept.
/// @throws InputError  not well-formed, or a DTD
[[nodiscard]] Document parse(const std::string& xml);

/// The document's text, in its own encoding, with an XML declaration only if `has_declaration`.
enum class Declaration { without, with };
[[nodiscard]] std::string serialise(const Document& document, Declaration declaration);

/// One element of a document, in UTF-8, without what is around it.
[[nodiscard]] std::string text_of(xmlNode* element);

[[nodiscard]] inline const xmlChar* to_xml(const char* text) {
    return reinterpret_cast<const xmlChar*>(text);
}
[[nodiscard]] inline const xmlChar* to_xml(const std::string& text) {
    return to_xml(text.c_str());
}
[[nodiscard]] inline std::string_view view(const xmlChar* text) {
    return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

[[nodiscard]] bool is_element(const xmlNode* node, const char* space, const char* name);  ///< space "": none.
[[nodiscard]] bool is_space(const xmlNode* node);  ///< A text node of white space; null is none.
/// First child element without a namespace and with that name; null when there is none.
[[nodiscard]] xmlNode* child(const xmlNode* parent, const char* name);
/// Empty also for an attribute that is not there.
[[nodiscard]] std::string attribute(const xmlNode* node, const char* name);
void set_attribute(xmlNode* node, const char* name, const std::string& value);

[[nodiscard]] LooseNode new_element(const char* name);
[[nodiscard]] LooseNode new_text(const std::string& text);
/// The tree takes the node. Text beside other text stays a node of its own.
xmlNode* insert_before(xmlNode* place, LooseNode node);
xmlNode* insert_after(xmlNode* place, LooseNode node);
xmlNode* append(xmlNode* parent, LooseNode node);
/// Out of its tree, and gone.
void erase(xmlNode* node);

}  // namespace fip::domxml
