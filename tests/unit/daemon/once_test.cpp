// Comparing everything once, in a store of the test's own: a guard that is off touches no kernel.
#include "daemon/once.hpp"
#include "fakes/fake_guests.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace fip;
using namespace fip::test;

namespace {

struct Host {
    Host() {
        std::ofstream{dir / "config.toml"} << "[store]\nurl = \"sqlite:" << (dir / "leases.db") << R"("
[providers.hand]
type = "manual"
addresses = [
  {address = "203.0.113.1", mac = "02:00:00:00:00:05"},
  {address = "203.0.113.2", mac = "02:00:00:00:00:06"},
  {address = "203.0.113.3", mac = "02:00:00:00:00:07"},
]
[pools.public]
provider = "hand"
bridges = ["br0"]
guard = "off"
[reconcile]
grace = "1ms"
)";
        options.config = dir / "config.toml";
        options.is_once = true;
        options.permission.apply_held_back = true;  // as `reconcile`
    }
    int once() {
        const auto before = std::cout.rdbuf(told.rdbuf());
        const auto exit_code =
            daemon::run_once(options, daemon::load_setup(options.config), {GuestKind::libvirt, guests});
        std::cout.rdbuf(before);
        return exit_code;
    }

    TempDir dir;
    daemon::Options options = daemon::default_options(GuestKind::libvirt);
    FakeGuests guests;
    std::ostringstream told;
};

}  // namespace

TEST_CASE("comparing once fails when a guest could not be changed") {
    Host host;
    host.guests.define("u-1", "web1", {FakeGuests::nic("br0")});
    SECTION("because its hypervisor refuses") {
        host.guests.refuses_writes = true;
        CHECK(host.once() == 1);
        CHECK(host.told.str().find("web1: the hypervisor refused") != std::string::npos);
    }
    SECTION("because its hypervisor does not answer") {
        host.guests.before_write = [] { throw GuestsUnavailable{"cannot start qm"}; };
        CHECK(host.once() == 1);
        CHECK(host.told.str().find("cannot start qm") != std::string::npos);
    }
    host.guests.refuses_writes = false;
    host.guests.before_write = nullptr;
    CHECK(host.once() == 0);
    CHECK(host.guests.at({GuestKind::libvirt, "u-1"}).nics.at(0).mac == Mac::parse("02:00:00:00:00:05"));
}

TEST_CASE("comparing once fails as long as the brake holds what is gone") {
    Host host;
    const std::vector<std::string> names{"u-1", "u-2", "u-3"};
    for (const auto& name : names) host.guests.define(name, name, {FakeGuests::nic("br0")});
    REQUIRE(host.once() == 0);
    for (const auto& name : names) host.guests.vanish({GuestKind::libvirt, name});
    CHECK(host.once() == 0);  // missing for the first time
    REQUIRE(wait_until([&] { return host.once() == 1; }, std::chrono::seconds{10}));
    CHECK(host.once() == 1);
    host.options.permission.confirm_releases = true;
    CHECK(host.once() == 0);
}
