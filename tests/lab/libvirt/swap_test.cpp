// Guests that start with a wrong MAC and are put right while they are still in their firmware. Each prints every MAC
// that its system sees: only the virtual one may be among them.
#include "lab/libvirt/daemon_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>

using namespace fip;
using namespace fip::test;

namespace {

constexpr auto wrong_mac = "52:54:00:00:00:01";
constexpr auto other_wrong_mac = "52:54:00:00:00:02";

GuestXml linux_guest(const std::string& machine = "pc", const std::string& model = "virtio") {
    GuestXml guest;
    guest.name = "web1";
    guest.uuid = numbered_uuid(1);
    guest.machine = machine;
    guest.nics = {{wrong_mac, "br0", model}};
    return guest;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
}

/// It came up once, and saw the MACs that it wears now and no other.
void check_boot(DaemonLab& lab, const std::string& guest, std::size_t nics = 1) {
    AWAIT(lab, lab.is_right(guest, nics));
    if (!lab.host.console_shows(guest, "FIP-GUEST ready", 90s)) UNSCOPED_INFO(lab.story());
    const auto console = lab.host.console(guest);
    REQUIRE(count(console, "FIP-GUEST ready") == 1);
    auto seen = lab.seen_macs(guest);
    auto worn = lab.live_macs(guest);
    std::ranges::sort(seen);
    std::ranges::sort(worn);
    CHECK(seen == worn);
    CHECK(lab.is_right(guest, nics));
    CHECK_FALSE(lab.has_swap_notes());
}

/// "123" of "..., 123 ms after its start".
std::string swap_time(const std::string& log) {
    const auto end = log.find(" ms after its start");
    if (end == log.npos) return "?";
    const auto begin = log.rfind(' ', end - 1) + 1;
    return log.substr(begin, end - begin);
}

}  // namespace

TEST_CASE("a guest that was never defined comes up with its virtual MAC and sees no other", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto machine = GENERATE(as<std::string>{}, "pc", "q35");
    CAPTURE(machine);
    auto guest = linux_guest(machine);

    SECTION("one NIC") {
        lab.create(domain_xml(guest));
        check_boot(lab, "web1");
        std::cout << machine << ": right " << swap_time(lab.log()) << " ms after STARTED\n";
        lab.host.destroy("web1");
        AWAIT(lab, lab.is_all_given_back());
    }
    SECTION("without ACPI, which only a pc needs for it") {
        if (machine == "pc") return;
        guest.has_acpi = false;
        lab.create(domain_xml(guest));
        check_boot(lab, "web1");
    }
    SECTION("two NICs in one pause") {
        guest.nics = {{wrong_mac}, {other_wrong_mac}};
        lab.create(domain_xml(guest));
        check_boot(lab, "web1", 2);
        CHECK(count(lab.log(), "nic-swapped") == 2);
    }
}

TEST_CASE("a NIC of another model is swapped as well", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto machine = GENERATE(as<std::string>{}, "pc", "q35");
    CAPTURE(machine);
    lab.create(domain_xml(linux_guest(machine, "e1000e")));
    check_boot(lab, "web1");
}

TEST_CASE("a start that overtakes the define is put right, and so is the definition", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.write("/run/web1.xml", domain_xml(linux_guest()));
    // One process, as Terraform and Ansible do it: no time for anybody between the two.
    REQUIRE(lab.host.virsh({"define /run/web1.xml; start web1"}).exit_code == 0);
    check_boot(lab, "web1");
    AWAIT(lab, lab.is_served("web1"));
    lab.host.destroy("web1");
    lab.host.start("web1");
    CHECK(lab.live_macs("web1") == lab.macs("web1"));
}

TEST_CASE("a guest boots from the network with the right MAC, and from the NIC that is to be the first", "[lab]") {
    DaemonLab::Options options;
    options.host.bridges = {"br0", "br1"};
    DaemonLab lab{options};
    lab.start_daemon();
    const std::string nic = "<interface type='bridge'><mac address='52:54:00:00:00:0";
    const auto xml =
        "<domain type='qemu'><name>web1</name><memory unit='MiB'>64</memory><os><type machine='pc'>hvm</type>"
        "<bios useserial='yes'/></os><features><acpi/></features><devices><controller type='usb' model='none'/>" +
        nic + "9'/><source bridge='br1'/><model type='virtio'/><boot order='2'/></interface>" + nic +
        "1'/><source bridge='br0'/><model type='virtio'/><boot order='1'/></interface>"
        "<serial type='file'><source path='/var/log/libvirt/web1.console'/></serial></devices></domain>";
    SECTION("from the start") {
        lab.create(xml);
        AWAIT(lab, lab.log().find("nic-swapped") != std::string::npos);
    }
    SECTION("after a pause before its first instruction") {
        REQUIRE(lab.host.exec({"virsh", "-q", "create", "--paused", "/dev/stdin"}, xml).exit_code == 0);
        AWAIT(lab, lab.log().find("nic-swapped") != std::string::npos);
        REQUIRE(lab.host.virsh({"resume", "web1"}).exit_code == 0);
    }
    REQUIRE(lab.host.console_shows("web1", "Configuring (", 60s));
    AWAIT(lab, lab.held() == 1);
    const auto first = lab.host.console("web1").find("Configuring (");
    AWAIT(lab, lab.host.console("web1").find(')', first) != std::string::npos);  // it comes letter by letter
    const auto console = lab.host.console("web1");
    const auto mac = lab.held_by("web1").at(0).mac->text();
    CHECK(console.substr(first, 40).find("(net1 " + mac) != console.npos);
    CHECK(console.find(wrong_mac) == console.npos);
}

TEST_CASE("a NIC on a libvirt network is swapped as one on a bridge", "[lab]") {
    DaemonLab lab;
    REQUIRE(lab.host
                .exec({"virsh", "-q", "net-define", "/dev/stdin"},
                      "<network><name>public</name><forward mode='bridge'/><bridge name='br0'/></network>")
                .exit_code == 0);
    REQUIRE(lab.host.virsh({"net-start", "public"}).exit_code == 0);
    lab.start_daemon();
    auto xml = domain_xml(linux_guest());
    const std::string bridge = "<interface type='bridge'><source bridge='br0'/>";
    const auto at = xml.find(bridge);
    REQUIRE(at != xml.npos);
    xml.replace(at, bridge.size(), "<interface type='network'><source network='public'/><target dev='web-out'/>");
    lab.create(xml);
    check_boot(lab, "web1");
    const auto live = lab.host.live_xml("web1");
    CHECK(live.find("<source network='public' portid=") != live.npos);
    CHECK(live.find("<target dev='web-out'/>") != live.npos);
}

TEST_CASE("a guest that is started paused stays paused, with the right NIC", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto xml = domain_xml(linux_guest());
    REQUIRE(lab.host.exec({"virsh", "-q", "create", "--paused", "/dev/stdin"}, xml).exit_code == 0);
    AWAIT(lab, lab.log().find("nic-swapped") != std::string::npos);
    CHECK(lab.host.state("web1") == "paused");
    CHECK(lab.live_macs("web1") != std::vector<std::string>{wrong_mac});
    REQUIRE(lab.host.virsh({"resume", "web1"}).exit_code == 0);
    check_boot(lab, "web1");
}

TEST_CASE("a guest whose machine cannot unplug keeps running with its MAC, and the log says what to do", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    auto guest = linux_guest();
    guest.has_acpi = false;
    lab.host.define(domain_xml(guest));
    AWAIT(lab, lab.is_served("web1"));
    lab.set_stored_mac("web1", lab.macs("web1").at(0), wrong_mac, "start web1");
    AWAIT(lab, lab.log().find("guest-held: web1") != std::string::npos);
    CHECK(lab.log().find("stop it and start it again") != std::string::npos);
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    CHECK(lab.live_macs("web1") == std::vector<std::string>{wrong_mac});
    CHECK(lab.seen_macs("web1") == std::vector<std::string>{wrong_mac});
    AWAIT(lab, lab.is_served("web1"));
}

TEST_CASE("a guest that has booted is held, and never reset", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.define(domain_xml(linux_guest()));
    lab.host.start("web1");
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    lab.start_daemon();
    AWAIT(lab, lab.log().find("guest-held: web1") != std::string::npos);
    AWAIT(lab, lab.is_served("web1"));
    CHECK(lab.live_macs("web1") == std::vector<std::string>{wrong_mac});
    CHECK(lab.host.state("web1") == "running");
    CHECK(count(lab.host.console("web1"), "FIP-GUEST ready") == 1);
}

TEST_CASE("a guest that starts together with the daemon is put right or held", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.define(domain_xml(linux_guest()));
    lab.host.start("web1");
    lab.start_daemon();
    AWAIT(lab, lab.is_right("web1") || lab.log().find("guest-held: web1") != std::string::npos);
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    CHECK(count(lab.host.console("web1"), "FIP-GUEST ready") == 1);
    CHECK(lab.is_served("web1"));
}

TEST_CASE("a guest that ends in the middle of its swap leaves nothing behind", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    for (int i = 0; i < 4; ++i) {
        lab.create(domain_xml(linux_guest()));
        if (i > 0) {
            static_cast<void>(wait_until([&] { return lab.has_swap_notes() || lab.is_right("web1"); }, 5s));
        }
        lab.host.destroy("web1");
        AWAIT(lab, lab.is_all_given_back() && lab.host.guests().empty());
        AWAIT(lab, !lab.has_swap_notes());
    }
    CHECK(lab.log().find("nic-swap-failed") == std::string::npos);
    lab.create(domain_xml(linux_guest()));
    check_boot(lab, "web1");
}

TEST_CASE("a NIC that cannot be plugged in again is not tried for ever, and the log says that it is gone", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    REQUIRE(lab.stop_daemon().exit_code == 0);
    // QEMU reads it whenever the NIC is plugged in.
    lab.host.write("/run/web1.rom", std::string(1024, '\0'));
    IdleGuest guest;
    guest.interfaces = {"<interface type='bridge'><mac address='" + std::string{wrong_mac} +
                        "'/><source bridge='br0'/><model type='virtio'/><rom file='/run/web1.rom'/></interface>"};
    REQUIRE(lab.host.exec({"virsh", "-q", "create", "--paused", "/dev/stdin"}, guest.xml()).exit_code == 0);
    REQUIRE(lab.host.exec({"rm", "/run/web1.rom"}).exit_code == 0);
    lab.start_daemon();
    AWAIT(lab, lab.log().find("nic-swap-failed: web1") != std::string::npos);
    CHECK(lab.live_macs("web1").empty());
    AWAIT(lab, !lab.has_swap_notes());
    CHECK_FALSE(wait_until([&] { return lab.has_swap_notes(); }, 2s));
    CHECK(lab.log().find("it runs without its NIC: stop it and start it again") != std::string::npos);
    CHECK(lab.log().find("what its NIC sends is blocked") == std::string::npos);
    AWAIT(lab, lab.held() == 0);
}

TEST_CASE("a guest that starts with another's MAC is put right although its definition cannot be written", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto theirs = lab.held_by("web1").at(0).mac->text();
    IdleGuest twin;
    twin.name = "twin";
    twin.uuid = numbered_uuid(2);
    twin.interfaces = {bridge_nic(theirs)};
    const auto is_left_alone = [&] {
        return lab.log().find("another program keeps changing it back") != lab.log().npos;
    };
    for (int i = 0; i < 20 && !is_left_alone(); ++i) {
        lab.host.define(twin.xml());
        static_cast<void>(wait_until([&] { return is_left_alone() || lab.is_served("twin"); }, 5s));
    }
    REQUIRE(is_left_alone());
    REQUIRE(lab.macs("twin") == std::vector<std::string>{theirs});
    lab.host.start("twin");
    AWAIT(lab, lab.is_right("twin"));
    CHECK(lab.live_macs("twin") != std::vector<std::string>{theirs});

    SECTION("and told apart from one that is only blocked") {
        lab.host.destroy("twin");
        lab.options.on_wrong_mac = "hold";
        lab.write_config();
        lab.reload();
        AWAIT(lab, lab.log().find("reloaded") != std::string::npos);
        lab.host.start("twin");
        AWAIT(lab, lab.log().find("mac-of-another: twin") != std::string::npos);
        CHECK(lab.log().find("wears the MAC " + theirs + " of the guest web1") != std::string::npos);
    }
}

TEST_CASE("a swap that was cut off is finished by the next daemon", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto moment = GENERATE(as<std::string>{}, "intent", "paused", "gone", "back");
    CAPTURE(moment);
    lab.create(domain_xml(linux_guest()));
    // Whoever looks from outside may come a step later: every step in between must end well.
    const auto is_reached = [&] {
        if (moment == "intent") return lab.has_swap_notes();
        if (moment == "paused") return lab.host.state("web1") == "paused";
        const auto macs = lab.live_macs("web1");
        return moment == "gone" ? macs.empty() : !macs.empty() && macs.at(0) != wrong_mac;
    };
    static_cast<void>(wait_until([&] { return is_reached() || lab.is_right("web1"); }, 10s));
    lab.kill_daemon();

    SECTION("while the guest waits") {
        UNSCOPED_INFO(lab.host.state("web1"));
        lab.start_daemon();
        AWAIT(lab, !lab.has_swap_notes() && lab.host.state("web1") == "running");
        // Killed before it was paused, it may have booted before the next daemon came.
        AWAIT(lab, lab.is_right("web1") || lab.log().find("guest-held: web1") != std::string::npos);
        REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
        CHECK(count(lab.host.console("web1"), "FIP-GUEST ready") == 1);
        CHECK(lab.live_macs("web1").size() == 1);
    }
    SECTION("a guest that somebody has let go on is not reset") {
        static_cast<void>(lab.host.virsh({"resume", "web1"}));
        REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
        lab.start_daemon();
        AWAIT(lab, !lab.has_swap_notes() && lab.live_macs("web1").size() == 1);
        CHECK(lab.host.state("web1") == "running");
        CHECK(count(lab.host.console("web1"), "FIP-GUEST ready") == 1);
    }
    SECTION("of a guest that has ended meanwhile nothing is left") {
        lab.host.destroy("web1");
        lab.start_daemon();
        AWAIT(lab, !lab.has_swap_notes());
    }
}

TEST_CASE("twenty guests that start at once all get their MAC before they are up", "[lab]") {
    constexpr int guests = 20;
    DaemonLab::Options options;
    options.addresses.clear();
    for (int i = 1; i <= guests; ++i) options.addresses.push_back("203.0.113." + std::to_string(i));
    options.warm = guests;
    DaemonLab lab{options};
    lab.start_daemon();
    AWAIT(lab, std::ranges::count(lab.rows(), LeaseState::warm, &Lease::state) == guests);
    std::string commands;
    for (int i = 1; i <= guests; ++i) {
        IdleGuest guest;
        guest.name = "web" + std::to_string(i);
        guest.uuid = numbered_uuid(i);
        lab.host.write("/run/" + guest.name + ".xml", guest.xml());
        commands += "create /run/" + guest.name + ".xml;";
    }
    REQUIRE(lab.host.virsh({commands}).exit_code == 0);
    for (int i = 1; i <= guests; ++i) AWAIT(lab, lab.is_right("web" + std::to_string(i)));
    CHECK(count(lab.log(), "nic-swapped") == guests);
    CHECK(lab.held() == guests);
    CHECK_FALSE(lab.has_swap_notes());
}
