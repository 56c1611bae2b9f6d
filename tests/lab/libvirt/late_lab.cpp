#include "lab/libvirt/late_lab.hpp"

#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

namespace fip::test {

GuardLab::Options installed(std::size_t addresses, int warm) {
    GuardLab::Options options;
    options.daemon.addresses.clear();
    for (std::size_t i = 1; i <= addresses; ++i) options.daemon.addresses.push_back("203.0.113." + std::to_string(i));
    options.daemon.warm = warm;
    return options;
}

GuestXml late_guest(int number) {
    GuestXml guest;
    guest.name = "web" + std::to_string(number);
    guest.uuid = numbered_uuid(number);
    guest.nics = {{late_mac}};
    guest.has_terminal = true;
    return guest;
}

Result try_create(GuardLab& lab, const GuestXml& guest, std::vector<std::string> options) {
    const auto file = "/run/" + guest.name + ".xml";
    lab.lab.host.write(file, domain_xml(guest));
    options.insert(options.begin(), "create");
    options.push_back(file);
    return lab.lab.host.virsh(std::move(options));
}

void check_late_boot(GuardLab& lab, const std::string& guest, std::size_t nics) {
    AWAIT(lab, lab.lab.is_right(guest, nics));
    const bool is_up = lab.lab.host.console_shows(guest, "FIP-GUEST ready", 90s);
    INFO(lab.story());
    REQUIRE(is_up);
    CHECK(count(lab.lab.host.console(guest), "FIP-GUEST ready") == 1);
    auto seen = lab.lab.seen_macs(guest);
    auto worn = lab.lab.live_macs(guest);
    std::ranges::sort(seen);
    std::ranges::sort(worn);
    CHECK(seen == worn);
    CHECK(lab.lab.is_right(guest, nics));
    CHECK_FALSE(lab.lab.has_swap_notes());
    CHECK(lab.stopped().empty());
    lab.require_clean_wire();
}

void check_reaches_gateway(GuardLab& lab, const std::string& guest, const Lease& lease, const std::string& device) {
    TerminalGuest running{lab.lab.host, guest};
    const std::string gateway = Datacenter::gateway;
    const auto done = running.run("ip addr add " + lease.address.text() + "/32 dev " + device + " && ip route add " +
                                  gateway + " dev " + device + " scope link && ping -c 2 -W 2 " + gateway);
    INFO(done.out);
    INFO(lab.story());
    CHECK(done.exit_code == 0);
    lab.require_clean_wire();
}

void check_nobody_claims(GuardLab& lab) {
    CHECK(lab.lab.held() == 0);
    CHECK(lab.lab.notes(NoteKind::claimed).empty());
    CHECK(lab.lab.notes(NoteKind::waiting).empty());
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

}  // namespace fip::test
