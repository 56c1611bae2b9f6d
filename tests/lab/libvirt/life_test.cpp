#include "lab/libvirt/daemon_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;

TEST_CASE("a defined guest gets its address, MAC and name, and an undefined one gives all of it back", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    const IdleGuest guest;

    lab.host.define(guest.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto lease = lab.held_by("web1").at(0);
    CHECK(lease.hostname == "web1.example.com");
    const auto xml = lab.host.inactive_xml("web1");
    CHECK(xml.find("<address gateway=\"62.210.0.1\" prefix=\"32\">" + lease.address.text() + "</address>") != xml.npos);

    SECTION("started and stopped in between, nothing changes") {
        lab.host.start("web1");
        CHECK(lab.host.live_xml("web1").find(lease.mac->text()) != std::string::npos);
        lab.host.destroy("web1");
        CHECK(lab.is_served("web1"));
    }
    lab.host.undefine("web1");
    AWAIT(lab, lab.is_all_given_back());
    CHECK(lab.held() == 0);
    const auto stopped = lab.stop_daemon();
    CHECK(stopped.exit_code == 0);
}

TEST_CASE("a guest with several managed NICs gets one address for each, and others are not touched", "[lab]") {
    DaemonLab::Options options;
    options.host.bridges = {"br0", "br1"};
    DaemonLab lab{options};
    lab.start_daemon();
    IdleGuest guest;
    guest.interfaces = {bridge_nic("52:54:00:00:00:01"), bridge_nic("52:54:00:00:00:02", "br1"),
                        bridge_nic("52:54:00:00:00:03")};
    lab.host.define(guest.xml());
    AWAIT(lab, lab.is_served("web1", 2));
    const auto macs = lab.macs("web1");
    const auto leases = lab.held_by("web1");
    CHECK(macs.at(0) == leases.at(0).mac->text());
    CHECK(macs.at(1) == "52:54:00:00:00:02");
    CHECK(macs.at(2) == leases.at(1).mac->text());

    SECTION("a NIC that is taken out of the definition gives its address back, the other keeps its own") {
        REQUIRE(lab.host.virsh({"detach-interface", "web1", "bridge", "--mac", macs.at(0), "--config"}).exit_code == 0);
        AWAIT(lab, lab.held() == 1);
        CHECK(lab.held_by("web1").at(0).address == leases.at(1).address);
        CHECK(lab.macs("web1").at(1) == macs.at(2));
    }
    SECTION("a NIC that is added gets an address") {
        REQUIRE(lab.host.virsh({"attach-interface", "web1", "bridge", "br0", "--config"}).exit_code == 0);
        AWAIT(lab, lab.is_served("web1", 3));
    }
}

TEST_CASE("what the metadata asks for is done", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    IdleGuest guest;

    SECTION("several addresses share one MAC") {
        guest.metadata = "<request xmlns='urn:failover-ip:request:1' addresses='2' hostname='mail.example.com'/>";
        lab.host.define(guest.xml());
        AWAIT(lab, lab.is_served("web1", 2));
        const auto leases = lab.held_by("web1");
        CHECK(leases.at(0).mac == leases.at(1).mac);
        CHECK(leases.at(0).hostname == "mail.example.com");
        lab.host.undefine("web1");
        AWAIT(lab, lab.is_all_given_back());
    }
    SECTION("a guest that is not to be managed is never written to") {
        guest.metadata = "<request xmlns='urn:failover-ip:request:1' enabled='no'/>";
        lab.host.define(guest.xml());
        const auto before = lab.host.inactive_xml("web1");
        REQUIRE(lab.once({}).exit_code == 0);
        CHECK(lab.host.inactive_xml("web1") == before);
        CHECK(lab.held() == 0);
    }
    SECTION("a request that is added later counts from then on") {
        lab.host.define(guest.xml());
        AWAIT(lab, lab.is_served("web1"));
        REQUIRE(lab.host
                    .virsh({"metadata", "web1", "urn:failover-ip:request:1", "--config", "--key", "r", "--set",
                            "<request hostname='mail.example.com'/>"})
                    .exit_code == 0);
        AWAIT(lab, lab.is_served("web1") && lab.held_by("web1").at(0).hostname == "mail.example.com");
    }
}

TEST_CASE("a rename is not the end of a guest", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto before = lab.held_by("web1").at(0);
    REQUIRE(lab.host.virsh({"domrename", "web1", "web2"}).exit_code == 0);
    AWAIT(lab, lab.is_served("web2"));
    const auto after = lab.held_by("web2").at(0);
    CHECK(after.address == before.address);
    CHECK(after.mac == before.mac);
    CHECK(after.hostname == "web2.example.com");
    CHECK(lab.held() == 1);
}

TEST_CASE("a running guest that is undefined keeps its address until it stops", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    lab.host.start("web1");
    lab.host.undefine("web1");
    REQUIRE(lab.once({}).exit_code == 0);
    CHECK(lab.held_by("web1").size() == 1);
    lab.host.destroy("web1");
    AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("a running guest that becomes persistent keeps its address, and its definition gets the MAC", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    IdleGuest guest;
    guest.interfaces = {bridge_nic("52:54:00:00:00:01")};
    lab.create(guest.xml());
    AWAIT(lab, lab.is_right("web1"));
    const auto before = lab.held_by("web1").at(0);
    lab.host.define(guest.xml());
    AWAIT(lab, lab.is_served("web1"));
    CHECK(lab.held_by("web1").at(0).address == before.address);
    lab.host.destroy("web1");
    lab.host.start("web1");
    CHECK(lab.is_right("web1"));
}

TEST_CASE("a managed save and a snapshot release nothing", "[lab]") {
    DaemonLab::Options options;
    options.interval = "1s";
    options.grace = "1s";
    DaemonLab lab{options};
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto address = lab.held_by("web1").at(0).address;
    lab.host.start("web1");
    REQUIRE(lab.host.virsh({"managedsave", "web1"}).exit_code == 0);
    REQUIRE(lab.once({}).exit_code == 0);
    lab.host.start("web1");
    CHECK(lab.is_served("web1"));
    CHECK(lab.held_by("web1").at(0).address == address);
}

TEST_CASE("a guest on a libvirt network is managed when the network is a bridge of a pool", "[lab]") {
    DaemonLab lab;
    REQUIRE(lab.host
                .exec({"virsh", "-q", "net-define", "/dev/stdin"},
                      "<network><name>public</name><forward mode='bridge'/><bridge name='br0'/></network>")
                .exit_code == 0);
    REQUIRE(lab.host.virsh({"net-start", "public"}).exit_code == 0);
    lab.start_daemon();
    IdleGuest guest;
    guest.interfaces = {"<interface type='network'><source network='public'/><model type='virtio'/></interface>",
                        "<interface type='network'><source network='nowhere'/><model type='virtio'/></interface>"};
    lab.host.define(guest.xml());
    AWAIT(lab, lab.is_served("web1"));

    SECTION("and stays so while the network is away") {
        REQUIRE(lab.host.virsh({"net-destroy", "public"}).exit_code == 0);
        REQUIRE(lab.host.virsh({"net-undefine", "public"}).exit_code == 0);
        REQUIRE(lab.once({}).exit_code == 0);
        CHECK(lab.held() == 1);
        CHECK(lab.macs("web1").at(0) == lab.held_by("web1").at(0).mac->text());
    }
}

TEST_CASE("undefined and defined again, a guest takes its address back", "[lab]") {
    DaemonLab::Options options;
    options.cooldown = "1h";
    DaemonLab lab{options};
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto address = lab.held_by("web1").at(0).address;
    lab.host.undefine("web1");
    AWAIT(lab, lab.is_all_given_back() || lab.held() == 0);
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    CHECK(lab.held_by("web1").at(0).address == address);
}

TEST_CASE("a second wearer of a leased MAC gets an address of its own", "[lab]") {
    DaemonLab lab;
    lab.start_daemon();
    lab.host.define(IdleGuest{}.xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto first = lab.held_by("web1").at(0);
    IdleGuest copy;
    copy.name = "copy";
    copy.uuid = numbered_uuid(2);
    copy.interfaces = {bridge_nic(first.mac->text())};
    lab.host.define(copy.xml());
    AWAIT(lab, lab.is_served("copy"));
    CHECK(lab.held_by("copy").at(0).address != first.address);
    CHECK(lab.is_served("web1"));
}
