#include "domxml/xml.hpp"

#include "core/errors.hpp"

#include <fmt/format.h>
#include <libxml/xmlsave.h>

#include <new>

namespace fip::domxml {
namespace {

struct FreeContext {
    void operator()(xmlParserCtxt* context) const noexcept { xmlFreeParserCtxt(context); }
};
struct FreeBuffer {
    void operator()(xmlBuffer* buffer) const noexcept { xmlBufferFree(buffer); }
};

template <typename T>
T* required(T* pointer) {
    if (pointer == nullptr) throw std::bad_alloc{};
    return pointer;
}

// A DTD is refused where it begins, so that none of its entities is ever declared.
void refuse_doctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
    xmlStopParser(static_cast<xmlParserCtxt*>(context));
}

std::string complaint(xmlParserCtxt* context) {
    const auto* const error = xmlCtxtGetLastError(context);
    if (error == nullptr || error->message == nullptr) return "not well-formed";
    const std::string_view message{error->message};
    return fmt::format("line {}: {}", error->line, message.substr(0, message.find('\n')));
}

}  // namespace

Document parse(const std::string& xml) {
    const std::unique_ptr<xmlParserCtxt, FreeContext> context{required(xmlNewParserCtxt())};
    context->sax->internalSubset = refuse_doctype;
    Document document{xmlCtxtReadMemory(context.get(), xml.data(), static_cast<int>(xml.size()), nullptr, nullptr,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)};
    if (!document || context->wellFormed == 0 || xmlDocGetRootElement(document.get()) == nullptr ||
        document->intSubset != nullptr) {
        throw InputError{"domain XML: " + complaint(context.get())};
    }
    return document;
}

std::string serialise(const Document& document, Declaration declaration) {
    const std::unique_ptr<xmlBuffer, FreeBuffer> buffer{required(xmlBufferCreate())};
    // Without an encoding libxml2 would write every character beyond ASCII as a reference.
    const char* const encoding =
        document->encoding == nullptr ? "UTF-8" : reinterpret_cast<const char*>(document->encoding);
    const int options = XML_SAVE_AS_XML | (declaration == Declaration::with ? 0 : XML_SAVE_NO_DECL);
    xmlSaveCtxt* const save = xmlSaveToBuffer(buffer.get(), encoding, options);
    if (save == nullptr) throw InputError{fmt::format("domain XML: cannot write the encoding {}", encoding)};
    const bool is_saved = xmlSaveDoc(save, document.get()) >= 0;
    if (xmlSaveClose(save) < 0 || !is_saved) throw std::bad_alloc{};
    return {reinterpret_cast<const char*>(xmlBufferContent(buffer.get())),
            static_cast<std::size_t>(xmlBufferLength(buffer.get()))};
}

std::string text_of(xmlNode* element) {
    const std::unique_ptr<xmlBuffer, FreeBuffer> buffer{required(xmlBufferCreate())};
    if (xmlNodeDump(buffer.get(), element->doc, element, 0, 0) < 0) throw std::bad_alloc{};
    return {reinterpret_cast<const char*>(xmlBufferContent(buffer.get())),
            static_cast<std::size_t>(xmlBufferLength(buffer.get()))};
}

bool is_element(const xmlNode* node, const char* space, const char* name) {
    if (node == nullptr || node->type != XML_ELEMENT_NODE || view(node->name) != name) return false;
    return (node->ns == nullptr ? std::string_view{} : view(node->ns->href)) == space;
}

bool is_space(const xmlNode* node) {
    return node != nullptr && node->type == XML_TEXT_NODE &&
           view(node->content).find_first_not_of(" \t\r\n") == std::string_view::npos;
}

xmlNode* child(const xmlNode* parent, const char* name) {
    auto* node = parent->children;
    while (node != nullptr && !is_element(node, "", name)) node = node->next;
    return node;
}

std::string attribute(const xmlNode* node, const char* name) {
    const std::unique_ptr<xmlChar, decltype(xmlFree)> value{xmlGetNoNsProp(node, to_xml(name)), xmlFree};
    return std::string{view(value.get())};
}

void set_attribute(xmlNode* node, const char* name, const std::string& value) {
    required(xmlSetProp(node, to_xml(name), to_xml(value)));
}

LooseNode new_element(const char* name) {
    return LooseNode{required(xmlNewNode(nullptr, to_xml(name)))};
}
LooseNode new_text(const std::string& text) {
    return LooseNode{required(xmlNewText(to_xml(text)))};
}

// Linked by hand: libxml2's own insertion melts text nodes that meet.
namespace {
xmlNode* link(xmlNode* parent, xmlNode* previous, xmlNode* next, LooseNode loose) {
    auto* const node = loose.release();
    xmlSetTreeDoc(node, parent->doc);
    node->parent = parent;
    node->prev = previous;
    node->next = next;
    (previous == nullptr ? parent->children : previous->next) = node;
    (next == nullptr ? parent->last : next->prev) = node;
    return node;
}
}  // namespace

xmlNode* insert_before(xmlNode* place, LooseNode node) {
    return link(place->parent, place->prev, place, std::move(node));
}
xmlNode* insert_after(xmlNode* place, LooseNode node) {
    return link(place->parent, place, place->next, std::move(node));
}
xmlNode* append(xmlNode* parent, LooseNode node) {
    return link(parent, parent->last, nullptr, std::move(node));
}

void erase(xmlNode* node) {
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

}  // namespace fip::domxml
