// on_wrong_mac = "restart": what cannot be put right while it runs is stopped and started again.
#include "lab/libvirt/daemon_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

constexpr auto wrong_mac = "52:54:00:00:00:01";

DaemonLab::Options restarting() {
    DaemonLab::Options options;
    options.on_wrong_mac = "restart";
    return options;
}

GuestXml linux_guest() {
    GuestXml guest;
    guest.name = "web1";
    guest.uuid = numbered_uuid(1);
    guest.nics = {{wrong_mac}};
    return guest;
}

}  // namespace

TEST_CASE("a guest that has booted is shut down and started again", "[lab]") {
    DaemonLab lab{restarting()};
    lab.start_daemon();
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.define(domain_xml(linux_guest()));
    lab.host.start("web1");
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    lab.start_daemon();
    AWAIT(lab, lab.log().find("guest-restarting: web1") != std::string::npos);

    SECTION("by the daemon that asked it to") {
        AWAIT(lab, lab.log().find("guest-restarted: web1") != std::string::npos);
    }
    SECTION("by the next one") {
        lab.kill_daemon();
        // Or it was quicker, and the guest runs again.
        REQUIRE(wait_until([&] { return lab.host.state("web1") == "shut off" || lab.is_right("web1"); }, 30s));
        lab.start_daemon();
    }
    AWAIT(lab, lab.is_right("web1"));
    CHECK(lab.live_macs("web1") == lab.macs("web1"));
}

TEST_CASE("a guest that is destroyed while it is asked to shut down stays off", "[lab]") {
    DaemonLab lab{restarting()};
    lab.start_daemon();
    REQUIRE(lab.stop_daemon().exit_code == 0);
    auto idle = IdleGuest{};
    idle.interfaces = {bridge_nic(wrong_mac)};
    lab.host.define(idle.xml());
    lab.host.start("web1");
    AWAIT(lab, lab.process_age("web1") > 6s);
    lab.start_daemon();
    AWAIT(lab, lab.log().find("guest-restarting: web1") != std::string::npos);
    lab.host.destroy("web1");
    AWAIT(lab, lab.is_served("web1"));
    CHECK(lab.once({}).exit_code == 0);
    CHECK(lab.host.state("web1") == "shut off");
    lab.host.start("web1");
    CHECK(lab.is_right("web1"));
}

TEST_CASE("a guest in its firmware whose machine cannot unplug is stopped and started at once", "[lab]") {
    DaemonLab lab{restarting()};
    lab.start_daemon();
    auto guest = linux_guest();
    guest.has_acpi = false;
    lab.host.write("/run/web1.xml", domain_xml(guest));
    REQUIRE(lab.host.virsh({"define /run/web1.xml; start web1"}).exit_code == 0);
    AWAIT(lab, lab.is_right("web1"));
    REQUIRE(lab.host.console_shows("web1", "FIP-GUEST ready", 90s));
    CHECK(lab.seen_macs("web1") == lab.live_macs("web1"));
}
