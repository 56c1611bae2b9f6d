#include "cli_daemon.hpp"
#include "doctor/check.hpp"
#include "host_network.hpp"
#include "pve_setup_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using doctor::Health;

namespace {

doctor::Check named(const doctor::Checks& checks, const std::string& name) {
    for (const auto& each : checks) {
        if (each.name == name) return each;
    }
    return {"absent", Health::fail, "", ""};
}

struct DoctorHost : CliHost {
    [[nodiscard]] doctor::Check check(const std::string& name) const {
        const auto result = run({"failover-ip", "doctor", "--json"});
        CAPTURE(result.out, result.err);
        const auto checks = doctor::parse_checks(result.out);
        CHECK(result.exit_code == doctor::exit_code_of(checks));
        return named(checks, name);
    }
    void say_status(const ProviderStatus& status) const {
        store().write([&](Rows& rows) { rows.provider.set_status("dedibox", status); });
    }
};

}  // namespace

TEST_CASE("the doctor goes on where there is no configuration", "[doctor]") {
    const DoctorHost host;
    CHECK(host.check("configuration").health == Health::fail);
    CHECK(host.check("store").name == "absent");
    const auto shown = host.run({"failover-ip", "doctor"});
    CHECK(shown.exit_code == 1);
    CHECK_THAT(shown.out, Contains("FAIL  configuration: ") && Contains("-> failover-ip config check"));
}

TEST_CASE("the doctor says every mistake of the configuration by itself", "[doctor]") {
    const DoctorHost host;
    host.configure(manual_config("warm = -1\nguard = \"on\"\n"));
    const auto checks = doctor::parse_checks(host.run({"failover-ip", "doctor", "--json"}).out);
    CHECK(std::ranges::count(checks, "configuration", &doctor::Check::name) == 2);
    CHECK(host.run({"failover-ip", "doctor"}).out.find("\\n") == std::string::npos);
}

TEST_CASE("the doctor says that the store cannot grow", "[doctor]") {
    const DoctorHost host;
    host.configure(manual_config());
    const auto examined = [&](const std::string& size) {
        const std::string cli = FIP_BIN "/failover-ip ";
        const auto script = "mount -t tmpfs -o size=" + size + " none /var/lib/failover-ip && " + cli +
                            "pool list >&2 && " + cli + "doctor --json";
        const auto result = host.run({"/bin/sh", "-c", script});
        CAPTURE(result.err);
        return doctor::parse_checks(result.out);
    };
    CHECK(named(examined("2m"), "store-space").health == Health::warn);
    CHECK(named(examined("64m"), "store-space").name == "absent");
}

TEST_CASE("the doctor says which daemon of libvirt's does not answer", "[doctor]") {
    const DoctorHost host;
    host.configure(manual_config());
    CHECK(host.check("libvirt-daemon").health == Health::fail);
    const CliDaemon daemon{host.path("run/libvirt.sock"), CliDaemon::Manner::answers};
    CHECK(host.check("libvirt-daemon").health == Health::ok);
}

TEST_CASE("the doctor says what a store and its provider say, and never a token", "[doctor]") {
    const DoctorHost host;
    host.configure(online_config());
    CHECK(host.check("store").health == Health::fail);
    CHECK(host.check("token:dedibox").health == Health::fail);

    const std::string secret = "0123456789abcdef";
    write_file(host.path("etc/dedibox.token"), secret);
    std::filesystem::permissions(host.path("etc/dedibox.token"), std::filesystem::perms{0644});
    CHECK(host.check("token:dedibox").health == Health::fail);
    CHECK(host.run({"failover-ip", "doctor"}).out.find(secret) == std::string::npos);
    std::filesystem::permissions(host.path("etc/dedibox.token"), std::filesystem::perms{0600});
    CHECK(host.check("token:dedibox").health == Health::ok);
    CHECK(host.run({"failover-ip", "doctor"}).out.find(secret) == std::string::npos);

    host.say_status({});
    CHECK(host.check("store").health == Health::ok);
    CHECK(host.check("provider:dedibox").health == Health::warn);
    ProviderStatus status;
    status.failures = 2;
    status.last_error = "HTTP 503";
    host.say_status(status);
    CHECK(host.check("provider:dedibox").health == Health::fail);
    CHECK_THAT(host.check("provider:dedibox").text, Contains("HTTP 503"));
    status.failures = 0;
    status.last_error.clear();
    status.synced_at = WallTime{std::chrono::hours{24 * 365 * 50}};
    host.say_status(status);
    CHECK(host.check("provider:dedibox").health == Health::ok);
}

TEST_CASE("the doctor says where the guard does not stand", "[doctor]") {
    DoctorHost host;
    host.configure(manual_config("uplinks = [\"up0\"]\n"));
    const HostNetwork network{host};
    (void)host.store();
    host.store().write([](Rows& rows) { rows.guests.set_value("x", "y"); });
    CHECK(host.check("guard:br0").health == Health::fail);
    REQUIRE(host.run({"failover-ip", "guard", "up"}).exit_code == 0);
    CHECK(host.check("guard:br0").health == Health::ok);
    CHECK_THAT(host.check("guard:br0").text, Contains("up0"));
    REQUIRE(host.run({"failover-ip", "guard", "down"}).exit_code == 0);
    CHECK(host.check("guard:br0").health == Health::warn);
}

TEST_CASE("the doctor says that a guard stands where no frame leaves", "[doctor]") {
    DoctorHost host;
    host.configure(manual_config("uplinks = [\"up0\"]\n"));
    const HostNetwork network{host};
    REQUIRE(host.run({"failover-ip", "guard", "up"}).exit_code == 0);
    SECTION("at a port of nothing") {
        network.ip("link set up0 nomaster");
        CHECK(host.check("guard:br0").health == Health::fail);
        CHECK_THAT(host.check("guard:br0").text, Contains("up0 is no port of br0"));
    }
    SECTION("for a bridge that is not there") {
        network.ip("link del br0");
        CHECK(host.check("guard:br0").health == Health::warn);
        CHECK_THAT(host.check("guard:br0").text, Contains("br0 does not exist now"));
    }
}

TEST_CASE("on a Proxmox node the doctor says what failover-ip-proxmox doctor finds, too", "[doctor]") {
    PVE_SETUP_NODE_OR_SKIP();
    SetupNode setup;
    const auto examine = [&setup] {
        const auto result = setup.node.run({std::string{FIP_BIN} + "/failover-ip", "doctor", "--json"});
        CAPTURE(result.out, result.err);
        return doctor::parse_checks(result.out);
    };
    CHECK(named(examine(), "configuration").health == Health::fail);
    CHECK(named(examine(), "snippet").health == Health::fail);
    setup.configure();
    REQUIRE(setup.install().exit_code == 0);
    CHECK(named(examine(), "configuration").health == Health::ok);
    CHECK(named(examine(), "snippet").health == Health::ok);
    CHECK(named(examine(), "watcher").health == Health::fail);
    setup.node.quorum(false);
    CHECK(named(examine(), "quorum").health == Health::fail);
}
