// Guests beside each other: queues, what was there before us, other hosts.
#include "lab/libvirt/daemon_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace fip;
using namespace fip::test;

namespace {

IdleGuest numbered(int number) {
    IdleGuest guest;
    guest.name = "web" + std::to_string(number);
    guest.uuid = numbered_uuid(number);
    return guest;
}

}  // namespace

TEST_CASE("guests that wait for an address are served in the order in which they came", "[lab]") {
    DaemonLab::Options options;
    options.addresses = {"203.0.113.5"};
    DaemonLab lab{options};
    lab.start_daemon();
    lab.host.define(numbered(5).xml());
    AWAIT(lab, lab.is_served("web5"));
    for (const int number : {3, 1, 2}) {
        lab.host.define(numbered(number).xml());
        const auto name = "web" + std::to_string(number);
        AWAIT(lab, lab.log().find("pool-exhausted: " + name) != std::string::npos);
    }
    for (const auto& [gone, next] : {std::pair{"web5", "web3"}, std::pair{"web3", "web1"}, std::pair{"web1", "web2"}}) {
        lab.host.undefine(gone);
        const std::string name = next;
        AWAIT(lab, lab.is_served(name));
        CHECK(lab.held() == 1);
    }
}

TEST_CASE("on its first run the daemon changes no guest that was there, before a person says so", "[lab]") {
    DaemonLab lab;
    lab.host.define(numbered(1).xml());
    const auto before = lab.host.inactive_xml("web1");
    const auto plan = lab.once({"--dry-run"});
    CHECK(plan.exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(lab.host.path("/var/lib/failover-ip/leases.db")));
    lab.start_daemon();
    AWAIT(lab, lab.log().find("failover-ip reconcile") != std::string::npos);
    lab.host.define(numbered(2).xml());
    AWAIT(lab, lab.is_served("web2"));
    CHECK(lab.host.inactive_xml("web1") == before);
    CHECK(lab.held() == 1);
    const auto done = lab.once({"--reconcile"});
    CHECK(done.exit_code == 0);
    AWAIT(lab, lab.is_served("web1"));
}

TEST_CASE("a hand-made set-up is adopted, and nothing is written to the provider's MACs", "[lab]") {
    DaemonLab::Options options;
    options.warm = 0;
    DaemonLab lab{options};
    lab.provider.edit("203.0.113.6", {{"mac", "52:54:00:aa:aa:06"}, {"reverse", "old.example.com."}});
    IdleGuest guest = numbered(1);
    guest.interfaces = {bridge_nic("52:54:00:aa:aa:06")};
    lab.host.define(guest.xml());
    lab.start_daemon();
    AWAIT(lab, lab.held_by("web1").size() == 1);
    const auto lease = lab.held_by("web1").at(0);
    CHECK(lease.address.text() == "203.0.113.6");
    CHECK(lease.state == LeaseState::active);
    REQUIRE(lab.once({}).exit_code == 0);
    CHECK(lab.provider.writes() == 0);
    CHECK(lab.provider.find("203.0.113.6")->reverse == "old.example.com.");
    CHECK(lab.macs("web1").at(0) == "52:54:00:aa:aa:06");
}

TEST_CASE("a MAC that a person made is never given away and never deleted", "[lab]") {
    DaemonLab::Options options;
    options.addresses = {"203.0.113.5", "203.0.113.6"};
    DaemonLab lab{options};
    lab.provider.edit("203.0.113.5", {{"mac", "52:54:00:aa:aa:05"}});
    lab.start_daemon();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    lab.host.define(numbered(2).xml());
    AWAIT(lab, lab.log().find("pool-exhausted: web2") != std::string::npos);
    lab.host.undefine("web1");
    AWAIT(lab, lab.is_served("web2"));
    CHECK(lab.provider.find("203.0.113.5")->mac == "52:54:00:aa:aa:05");
}

TEST_CASE("a guest that migrated away keeps its address, also when it is undefined here", "[lab]") {
    DaemonLab::Options options;
    options.interval = "1s";
    options.grace = "1s";
    options.warm = 0;
    DaemonLab lab{options};
    LabHost::Options other;
    other.hostname = "hv2";
    LabHost target{other};
    link(lab.host, target);
    lab.start_daemon();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto lease = lab.held_by("web1").at(0);
    lab.host.start("web1");
    std::vector<std::string> migrate{"virsh",      "-c",     lab.host.uri(), "migrate",      "web1",
                                     target.uri(), "--live", "--persistent", "--migrateuri", "tcp://10.99.0.2"};

    SECTION("undefined at once") {
        migrate.emplace_back("--undefinesource");
    }
    SECTION("undefined later") {}
    const auto moved = run({migrate}, 60s);
    INFO(moved.err);
    REQUIRE(moved.exit_code == 0);
    AWAIT(lab, lab.held() == 1 && lab.rows().at(0).state == LeaseState::away);
    if (!lab.host.state("web1").empty()) lab.host.undefine("web1");
    static_cast<void>(lab.once({}));
    std::this_thread::sleep_for(2500ms);  // intervals and graces of the program under test
    static_cast<void>(lab.once({}));
    CHECK(lab.provider.find(lease.address.text())->mac == lease.mac->text());
    CHECK(target.live_xml("web1").find(lease.mac->text()) != std::string::npos);
}

TEST_CASE("an address that a person moved to another server is not touched when its guest ends here", "[lab]") {
    DaemonLab::Options options;
    options.servers = {{11111, "192.0.2.10"}, {22222, "192.0.2.20"}};
    options.interval = "1s";
    options.grace = "1s";
    options.warm = 0;
    DaemonLab lab{options};
    lab.start_daemon();
    lab.host.define(numbered(1).xml());
    AWAIT(lab, lab.is_served("web1"));
    const auto lease = lab.held_by("web1").at(0);
    const auto text = lease.address.text();

    SECTION("while the daemon was there") {
        lab.provider.edit(text, {{"server", 22222}});
        lab.host.undefine("web1");
    }
    SECTION("while the daemon was down for all of it") {
        REQUIRE(lab.stop_daemon().exit_code == 0);
        lab.provider.edit(text, {{"server", 22222}});
        lab.host.undefine("web1");
        lab.start_daemon();
    }
    AWAIT(lab, lab.rows().empty());
    CHECK(lab.provider.find(text)->mac == lease.mac->text());
    CHECK(lab.provider.find(text)->reverse == "web1.example.com.");
}
