// Rule 5 under fire: nothing that lives loses its MAC.
#include "lab/libvirt/daemon_lab.hpp"
#include "lab/preload.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace fip;
using namespace fip::test;
namespace fs = std::filesystem;

namespace {

DaemonLab::Options hasty() {
    DaemonLab::Options options;
    options.interval = "1s";
    options.grace = "1s";
    options.warm = 0;
    return options;
}

void define_and_await(DaemonLab& lab, const IdleGuest& guest) {
    lab.host.define(guest.xml());
    AWAIT(lab, lab.is_served(guest.name));
}

IdleGuest numbered(int number) {
    IdleGuest guest;
    guest.name = "web" + std::to_string(number);
    guest.uuid = numbered_uuid(number);
    return guest;
}

// Several comparisons, further apart than grace: what could be released by doubt would be.
void compare_often(DaemonLab& lab) {
    for (int i = 0; i < 4; ++i) {
        static_cast<void>(lab.once({}));
        std::this_thread::sleep_for(600ms);  // the grace that the program under test measures is real time
    }
}

}  // namespace

TEST_CASE("what was undefined while the daemon was away is released after two sightings a grace apart", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    CHECK(lab.stop_daemon().exit_code == 0);
    lab.host.undefine("web1");
    REQUIRE(lab.once({}).exit_code == 0);
    CHECK(lab.held() == 1);  // seen missing once
    lab.start_daemon();
    AWAIT(lab, lab.is_all_given_back());
}

TEST_CASE("another libvirtd's empty list ends nothing", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.stop_libvirtd();
    fs::remove(lab.host.path("/etc/libvirt/qemu/web1.xml"));
    const auto conf = lab.host.path("/etc/libvirt/libvirtd.conf");
    std::ifstream in{conf};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto at = text.find("host_uuid = \"") + 13;
    text.replace(at, 36, "11111111-2222-4333-8444-555555555555");
    lab.host.write("/etc/libvirt/libvirtd.conf", text);
    lab.host.start_libvirtd();
    compare_often(lab);
    CHECK(lab.held() == 1);
}

TEST_CASE("a listing that would end most leases releases nothing before a person confirms it", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    for (int i = 1; i <= 3; ++i) define_and_await(lab, numbered(i));
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.stop_libvirtd();
    for (int i = 1; i <= 3; ++i) fs::remove(lab.host.path("/etc/libvirt/qemu/web" + std::to_string(i) + ".xml"));
    lab.host.start_libvirtd();
    compare_often(lab);
    CHECK(lab.held() == 3);
    CHECK(lab.once({"--dry-run", "--json"}).out.find("\"would_end\":[{") != std::string::npos);
    REQUIRE(lab.once({"--reconcile", "--confirm"}).exit_code == 0);
    CHECK(lab.held() == 0);
}

TEST_CASE("a definition that libvirt cannot load ends nothing, and the file is named", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    define_and_await(lab, numbered(2));
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.stop_libvirtd();
    const auto file = lab.host.path("/etc/libvirt/qemu/web1.xml");

    SECTION("cut in the middle") {
        fs::resize_file(file, fs::file_size(file) / 2);
    }
    SECTION("of a machine that is not there any more") {
        std::ifstream in{file};
        std::string text{std::istreambuf_iterator<char>{in}, {}};
        text.replace(text.find("type='qemu'"), 11, "type='nope'");
        lab.host.write("/etc/libvirt/qemu/web1.xml", text, 0600);
    }
    SECTION("empty") {
        fs::resize_file(file, 0);
    }

    lab.host.start_libvirtd();
    REQUIRE(lab.host.state("web1").empty());
    compare_often(lab);
    CHECK(lab.held() == 2);
    const auto seen = lab.once({});
    CHECK(seen.exit_code == 1);
    CHECK(seen.out.find("/etc/libvirt/qemu/web1.xml") != std::string::npos);
    lab.start_daemon();
    AWAIT(lab, lab.log().find("/etc/libvirt/qemu/web1.xml") != std::string::npos);
    // Positive evidence about another guest still counts.
    lab.host.undefine("web2");
    AWAIT(lab, lab.held() == 1);
    CHECK(lab.held_by("web1").size() == 1);
}

TEST_CASE("with libvirt's folder from an old copy, a guest that runs keeps its MAC", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    const auto copy = lab.host.folder() + "/copy";
    fs::copy(lab.host.path("/etc/libvirt/qemu"), copy, fs::copy_options::recursive);
    define_and_await(lab, numbered(2));
    lab.host.start("web2");
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.stop_libvirtd();
    fs::remove_all(lab.host.path("/etc/libvirt/qemu"));
    fs::copy(copy, lab.host.path("/etc/libvirt/qemu"), fs::copy_options::recursive);
    lab.host.start_libvirtd();
    compare_often(lab);
    CHECK(lab.held() == 2);
    lab.start_daemon();
    CHECK(lab.is_served("web1"));
}

TEST_CASE("a clock that jumps brings no sighting forward", "[lab]") {
    auto options = hasty();
    options.grace = "1h";
    DaemonLab lab{options};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    REQUIRE(lab.stop_daemon().exit_code == 0);
    lab.host.undefine("web1");
    const auto clock = lab.host.folder() + "/clock";
    const auto shifted = [&](const std::string& shift) {
        std::ofstream{clock} << shift;
        return lab.host
            .exec(Command{{FIP_BIN "/failover-ip-libvirt", "--once"},
                          {},
                          preload(Preload::clock_shift, {{"FIP_CLOCK_FILE", clock}})})
            .exit_code;
    };
    REQUIRE(shifted("0 0") == 0);
    REQUIRE(shifted("864000 0") == 0);
    REQUIRE(shifted("-864000 0") == 0);
    CHECK(lab.held() == 1);

    SECTION("a reboot begins anew") {
        lab.host.new_boot_id();
        REQUIRE(shifted("0 7200") == 0);
        CHECK(lab.held() == 1);
        REQUIRE(shifted("0 14400") == 0);
        CHECK(lab.held() == 0);
    }
    SECTION("an hour of boot time confirms it") {
        REQUIRE(shifted("0 3601") == 0);
        CHECK(lab.held() == 0);
    }
}

TEST_CASE("with libvirt away nothing is concluded, and everything goes on when it is back", "[lab]") {
    DaemonLab lab{hasty()};
    lab.start_daemon();
    define_and_await(lab, numbered(1));
    SECTION("stopped") {
        lab.host.stop_libvirtd();
        AWAIT(lab, lab.log().find("libvirt-lost") != std::string::npos);
        CHECK(lab.once({}).exit_code == 1);
        std::this_thread::sleep_for(3s);  // several intervals and graces of the program under test
        CHECK(lab.held() == 1);
        lab.host.start_libvirtd();
    }
    SECTION("killed") {
        lab.host.kill_libvirtd();
        AWAIT(lab, lab.log().find("libvirt-lost") != std::string::npos);
        lab.host.start_libvirtd();
    }
    SECTION("restarted") {
        lab.host.restart_libvirtd();
    }
    define_and_await(lab, numbered(2));
    lab.host.undefine("web1");
    AWAIT(lab, lab.held() == 1);
    CHECK(lab.is_served("web2"));
}
