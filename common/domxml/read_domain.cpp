#include "domxml/read_domain.hpp"

#include "core/errors.hpp"
#include "domxml/hardware.hpp"
#include "domxml/limits.hpp"
#include "domxml/read_request.hpp"
#include "domxml/sax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace fip::domxml {
namespace {

/// Where in the document we are, as far as it matters to us.
enum class Place {
    elsewhere,
    domain,
    name,
    uuid,
    os,
    features,
    devices,
    device,
    pci_controller,
    interface,
    metadata,
    lease,
    lease_nic,
    lease_address
};

/// libvirt's own reading: 32 hex digits, dashes and surrounding space as you like.
std::optional<std::string> canonical_uuid(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(space) - first + 1);
    std::string result;
    for (const char c : text) {
        if (c == '-') continue;
        const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool is_hex = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
        if (!is_hex || result.size() == 36) return std::nullopt;
        result += lower;
        if (result.size() == 8 || result.size() == 13 || result.size() == 18 || result.size() == 23) result += '-';
    }
    if (result.size() != 36) return std::nullopt;
    return result;
}

NicType nic_type(std::string_view text) {
    if (text == "bridge") return NicType::bridge;
    if (text == "network") return NicType::network;
    if (text == "direct") return NicType::direct;
    if (text == "ethernet") return NicType::ethernet;
    return NicType::other;
}

class Reader {
public:
    Reader();
    DomainText read(std::string_view xml);

private:
    // Called by expat: nothing may be thrown through it, so failures stop the parser and wait.
    template <typename Work>
    static void guarded(void* self, Work work) noexcept;

    void start(std::string_view qualified, const Attributes& attributes);
    void end();
    Place enter(const Name& name, const Attributes& attributes);
    Place enter_domain_child(const Name& name);
    Place enter_metadata_child(const Name& name, const Attributes& attributes);
    Place enter_device(std::string_view name, const Attributes& attributes);
    void machine_part(std::string_view name, const Attributes& attributes);
    void interface_child(std::string_view name, const Attributes& attributes);
    void request(const Attributes& attributes);
    void add_interface(const Attributes& attributes);
    void leave(Place place);
    void set_problem(const std::string& text) {
        if (result_.guest.problem.empty()) result_.guest.problem = text;
    }
    Place collect(Place place) {
        text_.clear();
        is_collecting_ = true;
        return place;
    }
    [[noreturn]] void fail(const std::string& text) const;

    ParserHandle parser_;
    std::exception_ptr failure_;
    DomainText result_;
    Hardware hardware_;
    std::string controller_index_;
    Namespaces namespaces_;
    std::vector<Place> places_;
    std::vector<std::string_view> seen_;  ///< Child elements of the current interface that were there already.
    std::string text_;
    bool is_collecting_ = false;
    bool has_name_ = false;
    bool has_uuid_ = false;
    bool has_metadata_ = false;
    std::optional<NicRecord> record_;
    std::optional<Address> gateway_;
};

Reader::Reader() : parser_(XML_ParserCreate(nullptr)) {
    if (!parser_) throw std::bad_alloc{};
    auto* const parser = parser_.get();
    XML_SetUserData(parser, this);
    XML_SetElementHandler(
        parser,
        [](void* self, const XML_Char* name, const XML_Char** attributes) {
            guarded(self, [&](Reader& reader) { reader.start(name, Attributes{attributes}); });
        },
        [](void* self, const XML_Char*) { guarded(self, [](Reader& reader) { reader.end(); }); });
    XML_SetCharacterDataHandler(parser, [](void* self, const XML_Char* text, int size) {
        guarded(self, [&](Reader& reader) {
            if (reader.is_collecting_) reader.text_.append(text, static_cast<std::size_t>(size));
        });
    });
    XML_SetStartDoctypeDeclHandler(parser, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        guarded(self, [](Reader& reader) { reader.fail("a document type is not allowed here"); });
    });
}

template <typename Work>
void Reader::guarded(void* self, Work work) noexcept {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.failure_) return;  // expat may call some more handlers after it was stopped
    try {
        work(reader);
    } catch (...) {
        reader.failure_ = std::current_exception();
        XML_StopParser(reader.parser_.get(), XML_FALSE);
    }
}

void Reader::fail(const std::string& text) const {
    throw InputError{fmt::format("domain XML, line {}: {}", XML_GetCurrentLineNumber(parser_.get()), text)};
}

DomainText Reader::read(std::string_view xml) {
    const auto status = XML_Parse(parser_.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
    if (failure_) std::rethrow_exception(failure_);
    if (status != XML_STATUS_OK) fail(XML_ErrorString(XML_GetErrorCode(parser_.get())));
    for (auto& nic : result_.guest.nics) nic.can_unplug = hardware_.can_unplug(nic);
    return std::move(result_);
}

void Reader::start(std::string_view qualified, const Attributes& attributes) {
    const auto depth = places_.size() + 1;
    if (depth > max_depth) fail(fmt::format("more than {} elements inside each other", max_depth));
    namespaces_.enter(depth, attributes);
    if (namespaces_.size() > max_prefixes)
        fail(fmt::format("more than {} namespace declarations in scope", max_prefixes));
    // Text is that of the element and everything inside it: nothing in there is ours.
    places_.push_back(is_collecting_ ? Place::elsewhere : enter(namespaces_.resolve_element(qualified), attributes));
}

Place Reader::enter(const Name& name, const Attributes& attributes) {
    if (places_.empty()) {
        if (!name.space.empty() || name.local != "domain") {
            fail(fmt::format("expected <domain>, found <{}>", shown(name.local)));
        }
        result_.type = attributes.text("type");
        return Place::domain;
    }
    switch (places_.back()) {
    case Place::domain:
        return enter_domain_child(name);
    case Place::metadata:
        return enter_metadata_child(name, attributes);
    case Place::devices:
        return name.space.empty() ? enter_device(name.local, attributes) : Place::elsewhere;
    case Place::os:
    case Place::features:
    case Place::device:
    case Place::pci_controller:
        if (name.space.empty()) machine_part(name.local, attributes);
        return Place::elsewhere;
    case Place::interface:
        if (name.space.empty()) interface_child(name.local, attributes);
        return Place::elsewhere;
    case Place::lease:
        if (name.space != lease_namespace || name.local != "nic") return Place::elsewhere;
        record_.reset();
        if (const auto mac = Mac::try_parse(attributes.text("mac"))) {
            record_ = NicRecord{*mac, attributes.text("pool"), attributes.text("hostname"), {}};
        }
        return Place::lease_nic;
    case Place::lease_nic:
        if (name.space != lease_namespace || name.local != "address") return Place::elsewhere;
        gateway_ = Address::try_parse(attributes.text("gateway"));
        return collect(Place::lease_address);
    default:
        return Place::elsewhere;
    }
}

Place Reader::enter_domain_child(const Name& name) {
    if (!name.space.empty()) return Place::elsewhere;
    if (name.local == "name" && !std::exchange(has_name_, true)) return collect(Place::name);
    if (name.local == "uuid" && !std::exchange(has_uuid_, true)) return collect(Place::uuid);
    if (name.local == "devices") return Place::devices;
    if (name.local == "os") return Place::os;
    if (name.local == "features") return Place::features;
    if (name.local == "metadata" && !std::exchange(has_metadata_, true)) return Place::metadata;
    return Place::elsewhere;
}

Place Reader::enter_device(std::string_view name, const Attributes& attributes) {
    if (name == "interface") {
        add_interface(attributes);
        return Place::interface;
    }
    if (name != "controller" || attributes.find("type") != "pci") return Place::device;
    controller_index_ = attributes.text("index");
    return Place::pci_controller;
}

/// A child of <os>, <features> or of a device that is no interface.
void Reader::machine_part(std::string_view name, const Attributes& attributes) {
    const auto place = places_.back();
    if (place == Place::os) {
        if (name == "type") hardware_.set_machine(attributes.text("machine"));
    } else if (place == Place::features) {
        if (name == "acpi") hardware_.set_acpi();
    } else if (name == "address") {
        hardware_.add_address(attributes);
    } else if (place == Place::pci_controller && name == "target" && attributes.find("hotplug") == "off") {
        hardware_.forbid_hotplug(controller_index_);
    }
}

Place Reader::enter_metadata_child(const Name& name, const Attributes& attributes) {
    if (name.space == lease_namespace && name.local == "lease") return Place::lease;
    if (name.space != request_namespace) return Place::elsewhere;
    if (name.local != "request") {
        set_problem(fmt::format("request: unknown element <{}>: expected <request>", shown(name.local)));
    } else if (result_.guest.request) {
        set_problem("request: there are two: expected one for all interfaces");
    } else {
        request(attributes);
    }
    return Place::elsewhere;
}

void Reader::request(const Attributes& attributes) {
    auto& request = result_.guest.request.emplace();
    attributes.each([&](std::string_view name, std::string_view value) {
        if (name == "xmlns" || name.starts_with("xmlns:")) return;
        const auto space = namespaces_.resolve_attribute(name).space;
        if (!space.empty() && space != request_namespace) return;  // somebody else's remark
        if (name.starts_with("xml:")) return;
        set_problem(read_request_attribute(request, name, value));
    });
}

void Reader::add_interface(const Attributes& attributes) {
    auto& nics = result_.guest.nics;
    if (nics.size() == max_interfaces) fail(fmt::format("more than {} interfaces", max_interfaces));
    seen_.clear();
    Nic nic;
    nic.index = nics.size();
    nic.type = nic_type(attributes.text("type"));
    nics.push_back(nic);
}

void Reader::interface_child(std::string_view name, const Attributes& attributes) {
    for (const std::string_view known : {"mac", "source", "model", "alias", "target", "vlan", "address"}) {
        if (name != known) continue;
        if (std::ranges::find(seen_, known) != seen_.end()) return;
        seen_.push_back(known);
    }
    auto& nic = result_.guest.nics.back();
    if (name == "mac") nic.mac = Mac::try_parse(attributes.text("address"));
    if (name == "model") nic.model = attributes.text("type");
    if (name == "alias") nic.alias = attributes.text("name");
    if (name == "target") nic.target = attributes.text("dev");
    if (name == "vlan") nic.is_tagged = true;
    if (name == "address") nic.place = hardware_.add_address(attributes);
    if (name == "rom" && attributes.find("bar") == "off") hardware_.forbid_plugging(nic.index);
    if (name != "source") return;
    if (nic.type == NicType::bridge) nic.bridge = attributes.text("bridge");
    if (nic.type == NicType::direct) nic.bridge = attributes.text("dev");
    if (nic.type == NicType::network) {
        nic.network = attributes.text("network");
        // Only a running guest's XML says what the network became: a bridge, or a device of type direct.
        nic.bridge = attributes.find("bridge") ? attributes.text("bridge") : attributes.text("dev");
    }
}

void Reader::end() {
    const auto depth = places_.size();
    leave(places_.back());
    places_.pop_back();
    namespaces_.leave(depth);
}

void Reader::leave(Place place) {
    switch (place) {
    case Place::name:
        result_.guest.name = text_;
        break;
    case Place::uuid: {
        const auto uuid = canonical_uuid(text_);
        if (!uuid) fail(fmt::format("\"{}\" is not a uuid", shown(text_)));
        result_.guest.id.value = *uuid;
        break;
    }
    case Place::lease_address:
        if (const auto address = Address::try_parse(text_); address && record_) {
            record_->addresses.push_back({*address, gateway_});
        }
        break;
    case Place::lease_nic:
        if (record_) result_.guest.records.push_back(std::move(*record_));
        record_.reset();
        return;
    default:
        return;
    }
    is_collecting_ = false;
}

bool has_plain_encoding(std::string_view xml) {
    if (!xml.starts_with("<?xml")) return true;
    const auto declaration = xml.substr(0, xml.find("?>"));
    if (declaration.find("encoding") == std::string_view::npos) return true;
    return declaration.find("UTF-8") != std::string_view::npos || declaration.find("utf-8") != std::string_view::npos;
}

bool contains(std::string_view text, std::string_view part) {
    return ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

}  // namespace

DomainText read_domain(std::string_view xml) {
    if (xml.size() > max_text) throw InputError{fmt::format("domain XML: longer than {} MiB", max_text >> 20U)};
    if (xml.find('\0') != std::string_view::npos) throw InputError{"domain XML: has a NUL byte"};
    return Reader{}.read(xml);
}

bool names_any(std::string_view xml, std::span<const std::string> bridges) {
    if (std::ranges::any_of(bridges, [&](const std::string& bridge) { return contains(xml, bridge); })) return true;
    return !has_plain_encoding(xml) || contains(xml, "&#") || contains(xml, "<!DOCTYPE") ||
           xml.find('\0') != std::string_view::npos;
}

}  // namespace fip::domxml
