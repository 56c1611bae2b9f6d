// NICs that come to a running guest and leave it again.
#include "lab/libvirt/daemon_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

/// A guest that was defined in time and has booted: its one NIC wears the right MAC.
void boot(DaemonLab& lab, const std::string& machine) {
    GuestXml guest;
    guest.name = "web1";
    guest.uuid = numbered_uuid(1);
    guest.machine = machine;
    guest.nics = {{}};
    auto xml = domain_xml(guest);
    if (machine == "q35") {  // libvirt makes one spare port by itself
        std::string ports = "<controller type='pci' index='0' model='pcie-root'/>";
        for (int i = 0; i < 4; ++i) ports += "<controller type='pci' model='pcie-root-port'/>";
        xml.insert(xml.find("<controller type='usb'"), ports);
    }
    lab.host.define(xml);
    AWAIT(lab, lab.is_served("web1"));
    lab.host.start("web1");
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    REQUIRE(lab.is_right("web1"));
}

}  // namespace

TEST_CASE("a NIC that is plugged into a running guest gets an address and its MAC, and gives it back", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const auto machine = GENERATE(as<std::string>{}, "pc", "q35");
    CAPTURE(machine);
    boot(lab, machine);
    const auto first = lab.live_macs("web1").at(0);

    SECTION("into the running guest only") {
        REQUIRE(
            lab.host.virsh({"attach-interface", "web1", "bridge", "br0", "--model", "virtio", "--live"}).exit_code ==
            0);
        AWAIT(lab, lab.is_right("web1", 2));
        const auto lease = lab.held_by("web1").at(1);
        CHECK(lab.host.console_shows("web1", "FIP-GUEST mac eth1 " + lease.mac->text(), 30s));
        CHECK(lab.macs("web1") == std::vector<std::string>{first});
        REQUIRE(
            lab.host.virsh({"detach-interface", "web1", "bridge", "--mac", lease.mac->text(), "--live"}).exit_code ==
            0);
        AWAIT(lab, lab.held() == 1);
        CHECK(lab.is_right("web1"));
        CHECK(lab.live_macs("web1").at(0) == first);
    }
    SECTION("into its definition as well") {
        REQUIRE(lab.host
                    .virsh({"attach-interface", "web1", "bridge", "br0", "--model", "virtio", "--mac",
                            "52:54:00:00:00:07", "--live", "--config"})
                    .exit_code == 0);
        AWAIT(lab, lab.is_right("web1", 2) && lab.is_served("web1", 2));
        auto live = lab.live_macs("web1");
        auto stored = lab.macs("web1");
        CHECK(live == stored);
        REQUIRE(lab.host.virsh({"detach-interface", "web1", "bridge", "--mac", live.at(1), "--live", "--config"})
                    .exit_code == 0);
        AWAIT(lab, lab.held() == 1);
    }
}

TEST_CASE("a NIC that is moved to a bridge of another pool gets an address of that", "[lab]") {
    DaemonLab::Options options;
    options.host.bridges = {"br0", "br1"};
    options.addresses = {"203.0.113.5", "203.0.113.6", "198.51.100.5", "198.51.100.6"};
    options.filter = "203.0.113.0/24";
    options.more_pools =
        "[pools.second]\nprovider = \"dedibox\"\nbridges = [\"br1\"]\naddresses = [\"198.51.100.0/24\"]\n";
    DaemonLab lab{options};
    lab.start_daemon();
    GuestXml guest;
    guest.name = "web1";
    guest.uuid = numbered_uuid(1);
    guest.nics = {{}};
    std::vector<std::string> how{"update-device", "web1", "/run/moved.xml", "--live"};

    SECTION("with its definition") {
        lab.host.define(domain_xml(guest));
        AWAIT(lab, lab.is_served("web1"));
        lab.host.start("web1");
        how.emplace_back("--config");
    }
    SECTION("where there is none: libvirt sends no event at all") {
        lab.create(domain_xml(guest));
    }
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    AWAIT(lab, lab.is_right("web1"));
    const auto before = lab.held_by("web1").at(0);
    lab.host.write("/run/moved.xml", "<interface type='bridge'><mac address='" + before.mac->text() +
                                         "'/><source bridge='br1'/><model type='virtio'/></interface>");
    const auto moved = lab.host.virsh(how);
    INFO(moved.err);
    REQUIRE(moved.exit_code == 0);
    AWAIT(lab, lab.held() == 1 && lab.held_by("web1").at(0).address != before.address);
    CHECK(lab.held_by("web1").at(0).address.text().starts_with("198.51.100."));
    AWAIT(lab, lab.is_right("web1"));
    CHECK(lab.host.live_xml("web1").find("<source bridge='br1'/>") != std::string::npos);
}

TEST_CASE("a NIC that the guest's system does not let go of is held, and swapped when it does", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    // Nothing is booted: nobody in there knows what to do with an unplugged device.
    IdleGuest idle;
    lab.host.define(idle.xml());
    AWAIT(lab, lab.is_served("web1"));
    lab.host.start("web1");
    AWAIT(lab, lab.process_age("web1") > 6s);
    REQUIRE(lab.host.virsh({"attach-interface", "web1", "bridge", "br0", "--model", "virtio", "--live"}).exit_code ==
            0);
    REQUIRE(wait_until([&] { return lab.log().find("nic-swap-failed: web1") != std::string::npos; }, 40s));
    CHECK(lab.log().find("its system did not let go of its NIC") != std::string::npos);
    CHECK(lab.host.state("web1") == "running");
    CHECK_FALSE(lab.has_swap_notes());
    CHECK(lab.live_macs("web1").size() == 2);
    REQUIRE(lab.host.virsh({"reset", "web1"}).exit_code == 0);  // QEMU lets go of it now
    AWAIT(lab, lab.is_right("web1", 2));
}
