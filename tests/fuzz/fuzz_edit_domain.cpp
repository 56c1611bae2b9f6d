// What is edited can be read again, shows the edit and nothing else; a second edit changes nothing.
#include "core/errors.hpp"
#include "domxml/edit_domain.hpp"
#include "domxml/read_domain.hpp"
#include "expect.hpp"

#include <cstdint>

namespace {

using fip::fuzz::expect;

fip::GuestEdit edit_of(const fip::Guest& guest) {
    const auto mac = fip::Mac::parse("02:00:00:00:00:05");
    fip::GuestEdit edit;
    if (!guest.nics.empty()) edit.macs.push_back({guest.nics.size() - 1, mac});
    const fip::NicRecord::Place place{fip::Address::parse("203.0.113.5"), fip::Address::parse("62.210.0.1")};
    edit.records.push_back({mac, "public", "mail.example.com", {place}});
    return edit;
}

void check(const std::string& xml, const fip::Guest& before) {
    const auto edit = edit_of(before);
    std::string edited;
    try {
        edited = fip::domxml::edit_domain(xml, edit);
    } catch (const fip::InputError&) {
        return;  // libxml2 is stricter here and there
    }
    const auto after = fip::domxml::read_domain(edited).guest;
    expect(after.name == before.name && after.id == before.id, "name and uuid stay");
    expect(after.request == before.request && after.problem == before.problem, "the request stays");
    expect(after.records == edit.records, "the records are the new ones");
    auto nics = before.nics;
    for (const auto& [nic, mac] : edit.macs) nics.at(nic).mac = mac;
    expect(after.nics == nics, "interfaces differ in the MAC only");
    expect(fip::domxml::edit_domain(edited, edit) == edited, "editing twice is editing once");
    const auto without = fip::domxml::read_domain(fip::domxml::edit_domain(edited, {})).guest;
    expect(without.records.empty() && without.request == before.request, "the lease goes, the request stays");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string xml{reinterpret_cast<const char*>(data), size};
    fip::Guest guest;
    try {
        guest = fip::domxml::read_domain(xml).guest;
    } catch (const fip::InputError&) {
        return 0;
    }
    check(xml, guest);
    return 0;
}
