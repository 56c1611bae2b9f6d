// Reads and edits the domain files of libvirt's own test suite. They are not part of this project:
// FIP_SHARED_DATA names the folder that holds libvirt-domains/; without it these tests are skipped.
#include "core/errors.hpp"
#include "domxml/edit_domain.hpp"
#include "domxml/read_domain.hpp"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

using namespace fip;
namespace fs = std::filesystem;

namespace {

fs::path data_folder() {
    const char* const given = std::getenv("FIP_SHARED_DATA");
    return fs::path{given != nullptr && *given != '\0' ? given : FIP_DEFAULT_DATA} / "libvirt-domains";
}

std::string read(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// libxml2's own view of a document, independent of the code under test.
class Tree {
public:
    explicit Tree(const std::string& xml)
        : doc_(xmlReadMemory(xml.data(), static_cast<int>(xml.size()), nullptr, nullptr, XML_PARSE_NONET), xmlFreeDoc) {
        REQUIRE(doc_);
    }

    [[nodiscard]] std::vector<xmlNode*> nodes(const char* path, xmlNode* from = nullptr) const {
        const std::unique_ptr<xmlXPathContext, decltype(&xmlXPathFreeContext)> context{xmlXPathNewContext(doc_.get()),
                                                                                       xmlXPathFreeContext};
        xmlXPathRegisterNs(context.get(), reinterpret_cast<const xmlChar*>("l"),
                           reinterpret_cast<const xmlChar*>("urn:failover-ip:lease:1"));
        context->node = from != nullptr ? from : xmlDocGetRootElement(doc_.get());
        const std::unique_ptr<xmlXPathObject, decltype(&xmlXPathFreeObject)> found{
            xmlXPathEval(reinterpret_cast<const xmlChar*>(path), context.get()), xmlXPathFreeObject};
        REQUIRE(found);
        if (found->nodesetval == nullptr) return {};
        return {found->nodesetval->nodeTab, found->nodesetval->nodeTab + found->nodesetval->nodeNr};
    }

    [[nodiscard]] std::string text(const char* path, xmlNode* from = nullptr) const {
        const auto found = nodes(path, from);
        if (found.empty()) return {};
        const std::unique_ptr<xmlChar, decltype(xmlFree)> content{xmlNodeGetContent(found.front()), xmlFree};
        return reinterpret_cast<const char*>(content.get());
    }

    /// Canonical XML 1.0 with comments.
    [[nodiscard]] std::string canonical() const {
        xmlChar* bytes = nullptr;
        const int size = xmlC14NDocDumpMemory(doc_.get(), nullptr, XML_C14N_1_0, nullptr, 1, &bytes);
        REQUIRE(size > 0);
        std::string result{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
        xmlFree(bytes);
        return result;
    }

    [[nodiscard]] std::string dump(xmlNode* node) const {
        const std::unique_ptr<xmlBuffer, decltype(&xmlBufferFree)> buffer{xmlBufferCreate(), xmlBufferFree};
        REQUIRE(xmlNodeDump(buffer.get(), doc_.get(), node, 0, 0) > 0);
        return reinterpret_cast<const char*>(xmlBufferContent(buffer.get()));
    }

    /// With the white space text before it.
    static void remove(xmlNode* node) {
        auto* const before = node->prev;
        if (before != nullptr && xmlIsBlankNode(before) != 0) drop(before);
        drop(node);
    }

private:
    static void drop(xmlNode* node) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }

    std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> doc_;
};

struct Sample {
    std::string name;
    std::string xml;
};

/// Six of the files are libvirt's own state with the domain somewhere inside: those are refused whole.
std::string domain_inside(const std::string& xml) {
    const Tree tree{xml};
    if (!tree.nodes("/domain").empty()) return xml;
    CHECK_THROWS_AS(domxml::read_domain(xml), InputError);
    CHECK_THROWS_AS(domxml::edit_domain(xml, {}), InputError);
    return tree.dump(tree.nodes("//domain").at(0));
}

std::vector<Sample> samples() {
    std::vector<fs::path> files;
    if (fs::is_directory(data_folder())) {
        for (const auto& entry : fs::directory_iterator{data_folder()}) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::vector<Sample> result;
    for (const auto& file : files) {
        INFO(file.filename());
        result.push_back({file.filename(), domain_inside(read(file))});
    }
    if (result.empty()) std::cout << "SKIPPED: no domain files in " << data_folder() << "; set FIP_SHARED_DATA\n";
    return result;
}

constexpr const char* all_interfaces = "/domain/devices/interface";

/// Take out of `after` what an edit of `before` may have put in: lease, metadata made for it, MAC elements; equal MACs.
std::string without_ours(const Tree& before, const Tree& after) {
    for (auto* const lease : after.nodes("/domain/metadata/l:lease")) Tree::remove(lease);
    if (before.nodes("/domain/metadata").empty()) {
        for (auto* const metadata : after.nodes("/domain/metadata[not(*) and normalize-space()='']"))
            Tree::remove(metadata);
    }
    const auto old_nics = before.nodes(all_interfaces);
    const auto new_nics = after.nodes(all_interfaces);
    REQUIRE(old_nics.size() == new_nics.size());
    for (std::size_t i = 0; i < old_nics.size(); ++i) {
        const auto old_mac = before.nodes("mac", old_nics[i]);
        const auto new_mac = after.nodes("mac", new_nics[i]);
        REQUIRE(!new_mac.empty());
        if (old_mac.empty()) {
            Tree::remove(new_mac.front());
        } else {
            const auto text = before.text("mac[1]/@address", old_nics[i]);
            xmlSetProp(new_mac.front(), reinterpret_cast<const xmlChar*>("address"),
                       reinterpret_cast<const xmlChar*>(text.c_str()));
        }
    }
    return after.canonical();
}

/// A new MAC and a record for every interface.
GuestEdit edit_of(const Guest& guest) {
    GuestEdit edit;
    for (const auto& nic : guest.nics) {
        const auto mac = Mac::local(0x1000 + nic.index);
        edit.macs.push_back({nic.index, mac});
        edit.records.push_back(
            {mac, "public", "mail.example.com", {{Address::parse("203.0.113.5"), Address::parse("62.210.0.1")}}});
    }
    if (edit.records.empty()) edit.records.push_back({Mac::local(1), "public", "", {}});
    return edit;
}

/// MACs as they were; no records.
GuestEdit undo_of(const Guest& guest) {
    GuestEdit edit;
    for (const auto& nic : guest.nics) {
        if (nic.mac) edit.macs.push_back({nic.index, *nic.mac});
    }
    return edit;
}

bool all_have_macs(const Guest& guest) {
    return std::ranges::all_of(guest.nics, [](const Nic& nic) { return nic.mac.has_value(); });
}

}  // namespace

TEST_CASE("every domain of libvirt's tests is read as libxml2 reads it") {
    for (const auto& [name, xml] : samples()) {
        INFO(name);
        const Tree tree{xml};
        const auto [guest, type] = domxml::read_domain(xml);
        CHECK(type == tree.text("/domain/@type"));
        CHECK(guest.name == tree.text("/domain/name"));
        auto uuid = tree.text("/domain/uuid");
        std::ranges::transform(uuid, uuid.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
        CHECK(guest.id.value == uuid);
        const auto nics = tree.nodes(all_interfaces);
        REQUIRE(guest.nics.size() == nics.size());
        for (std::size_t i = 0; i < nics.size(); ++i) {
            const auto& nic = guest.nics[i];
            CHECK(nic.index == i);
            CHECK(nic.mac == Mac::try_parse(tree.text("mac/@address", nics[i])));
            CHECK(nic.model == tree.text("model/@type", nics[i]));
            CHECK(nic.alias == tree.text("alias/@name", nics[i]));
            CHECK(nic.target == tree.text("target/@dev", nics[i]));
            CHECK(nic.is_tagged == !tree.nodes("vlan", nics[i]).empty());
            const auto kind = tree.text("@type", nics[i]);
            CHECK((nic.type == NicType::bridge) == (kind == "bridge"));
            CHECK((nic.type == NicType::network) == (kind == "network"));
            CHECK((nic.type == NicType::direct) == (kind == "direct"));
            CHECK((nic.type == NicType::ethernet) == (kind == "ethernet"));
            if (kind == "bridge") CHECK(nic.bridge == tree.text("source/@bridge", nics[i]));
            if (kind == "direct") CHECK(nic.bridge == tree.text("source/@dev", nics[i]));
            if (kind == "network") CHECK(nic.network == tree.text("source/@network", nics[i]));
        }
    }
}

TEST_CASE("an edit of libvirt's domains changes the MACs and our lease only, and can be undone") {
    for (const auto& [name, xml] : samples()) {
        INFO(name);
        const auto guest = domxml::read_domain(xml).guest;
        const auto edit = edit_of(guest);
        const auto edited = domxml::edit_domain(xml, edit);

        CHECK(edited != xml);
        CHECK(without_ours(Tree{xml}, Tree{edited}) == Tree{xml}.canonical());
        CHECK(domxml::edit_domain(edited, edit) == edited);
        const auto seen = domxml::read_domain(edited).guest;
        CHECK(seen.records == edit.records);
        for (const auto& [nic, mac] : edit.macs) CHECK(seen.nics.at(nic).mac == mac);

        const auto undone = domxml::edit_domain(edited, undo_of(guest));
        if (all_have_macs(guest)) {
            CHECK(Tree{undone}.canonical() == Tree{xml}.canonical());
        } else {
            CHECK(without_ours(Tree{xml}, Tree{undone}) == Tree{xml}.canonical());
        }
    }
}

TEST_CASE("MACs of libvirt's domains change without the lease, and the lease without the MACs") {
    for (const auto& [name, xml] : samples()) {
        INFO(name);
        const auto both = edit_of(domxml::read_domain(xml).guest);
        const auto lease = domxml::edit_domain(xml, {{}, both.records});
        CHECK(domxml::edit_domain(lease, both) == domxml::edit_domain(domxml::edit_domain(xml, {both.macs, {}}), both));
        CHECK(Tree{domxml::edit_domain(lease, {})}.canonical() == Tree{xml}.canonical());
        CHECK(domxml::edit_domain(xml, {}) == xml);
    }
}
