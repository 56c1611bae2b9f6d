// Two daemons on one host: what they share, what they tell each other, and that it ends.
#include "cli_host.hpp"
#include "host_network.hpp"
#include "runtime/daemon_client.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <signal.h>

#include <algorithm>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

struct Pair : CliHost {
    HostNetwork network{*this};
    std::string libvirt_socket = path("run/libvirt.sock");
    std::string proxmox_socket = path("run/proxmox.sock");

    Pair() { configure(manual_config()); }

    [[nodiscard]] Process begin(const std::string& kind) const {
        auto daemon = start({"daemon_stub", kind});
        // The first comparison is asked for when the provider was read: from then on it is quiet.
        const bool is_ready = wait_until([&] { return daemon.out().find("compare\n") != std::string::npos; }, 20s);
        INFO(daemon.err());
        REQUIRE(is_ready);
        return daemon;
    }
};

long told(const Process& daemon, const std::string& line) {
    const auto out = "\n" + daemon.out();
    long count = 0;
    for (auto at = out.find("\n" + line + "\n"); at != std::string::npos; at = out.find("\n" + line + "\n", at + 1))
        ++count;
    return count;
}

bool comes(const Process& daemon, const std::string& line, long times) {
    return wait_until([&] { return told(daemon, line) >= times; }, 20s);
}

}  // namespace

TEST_CASE("what one daemon changed wakes the guests that wait at the other, once", "[daemon]") {
    const Pair host;
    auto libvirt = host.begin("libvirt");
    auto proxmox = host.begin("proxmox");
    const auto before = told(libvirt, "waiting");
    const auto before_there = told(proxmox, "waiting");
    REQUIRE(runtime::ask(host.libvirt_socket, "look changed", 5s) == "ok");
    CHECK(comes(libvirt, "waiting", before + 1));
    CHECK(comes(proxmox, "waiting", before_there + 1));
    REQUIRE(runtime::ask(host.proxmox_socket, "look changed", 5s) == "ok");
    CHECK(comes(libvirt, "waiting", before + 2));
    std::this_thread::sleep_for(1s);  // for whatever would be sent back
    CHECK(told(libvirt, "waiting") == before + 2);
    CHECK(told(proxmox, "waiting") == before_there + 2);
    CHECK(libvirt.stop().exit_code == 0);
    CHECK(proxmox.stop().exit_code == 0);
}

TEST_CASE("one reload reaches both daemons, and neither reloads twice", "[daemon]") {
    const Pair host;
    auto libvirt = host.begin("libvirt");
    auto proxmox = host.begin("proxmox");
    libvirt.signal(SIGHUP);
    CHECK(comes(libvirt, "use", 1));
    CHECK(comes(proxmox, "use", 1));
    std::this_thread::sleep_for(1s);
    CHECK(told(libvirt, "use") == 1);
    CHECK(told(proxmox, "use") == 1);

    SECTION("also after one that was refused") {
        host.configure("no configuration");
        proxmox.signal(SIGHUP);
        const auto is_refused = [&] { return proxmox.err().find("is still in use") != std::string::npos; };
        CHECK(wait_until(is_refused, 20s));
        host.configure(manual_config("mac_type = \"kvm\"\n"));
        proxmox.signal(SIGHUP);
        CHECK(comes(libvirt, "use", 2));
    }
}

TEST_CASE("each daemon answers at its own socket, and a second of its kind does not start", "[daemon]") {
    const Pair host;
    auto libvirt = host.begin("libvirt");
    auto proxmox = host.begin("proxmox");
    REQUIRE(runtime::ask(host.proxmox_socket, "look 100", 5s) == "ok");
    CHECK(runtime::ask(host.proxmox_socket, "look nobody", 5s) == "not a guest's id");
    REQUIRE(runtime::ask(host.proxmox_socket, "starting 100", 5s) == "ok");
    CHECK(comes(proxmox, "look 100", 1));
    CHECK(comes(proxmox, "starting 100", 1));
    CHECK(told(libvirt, "look 100") == 0);
    const auto second = host.run({"daemon_stub", "proxmox"});
    CHECK(second.exit_code != 0);
    CHECK_THAT(second.err, Catch::Contains("another daemon is running (it holds /run/failover-ip/proxmox.lock)"));

    libvirt.kill();
    REQUIRE(runtime::ask(host.proxmox_socket, "look changed", 5s) == "ok");  // nobody to tell
    CHECK(comes(proxmox, "waiting", 1));
    CHECK(proxmox.stop().exit_code == 0);
}
