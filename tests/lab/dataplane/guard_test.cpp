// What the guard is for: a hostile guest on a host that is set up as the README says, and the provider's switch.
#include "lab/dataplane/guard_lab.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;

namespace {

constexpr auto stolen_mac = "02:00:00:00:66:66";

GuardLab::Options options(const std::string& guard) {
    GuardLab::Options chosen;
    chosen.guard = guard;
    chosen.daemon.warm = 2;
    return chosen;
}

/// Everything that a guest can do to close the port or to take another's address. `others` is an address of somebody
/// else. Ends early when the port is closed.
void be_hostile(GuardLab& lab, TerminalGuest& guest, const std::string& others, const std::string& own_mac) {
    const std::vector<std::string> deeds{"send-frames eth0 --own-mac --count 20 --arp-for " + others,
                                         "ip addr add " + others + "/32 dev lo; ping -c 3 -W 1 -I " + others + " " +
                                             Datacenter::gateway + "; ip addr del " + others + "/32 dev lo",
                                         "send-frames eth0 --own-mac --count 20 --rarp",
                                         std::string{"ip link set eth0 address "} + stolen_mac + "; ping -c 2 -W 1 " +
                                             Datacenter::gateway + "; ip link set eth0 address " + own_mac,
                                         "send-frames eth0 --count 20 --macs 5 --seed 7 --arp-for " + others,
                                         "send-frames eth0 --count 20 --macs 5 --seed 7 --rarp",
                                         "send-frames eth0 --count 600 --macs 20 --seed 7 --ethertypes all",
                                         "send-frames eth0 --count 20 --macs 5 --seed 7 --vlan 7"};
    for (const auto& deed : deeds) {
        static_cast<void>(guest.run(deed));
        if (!lab.port().is_open()) return;
    }
}

std::size_t rows_of(const std::vector<GuardLab::Stopped>& stopped, const std::string& guest) {
    return static_cast<std::size_t>(std::ranges::count_if(stopped, [&](const GuardLab::Stopped& row) {
        return row.kind == "guest" && row.name == guest && row.detail.starts_with("net0");
    }));
}

bool names_mac(const std::vector<GuardLab::Stopped>& stopped, const std::string& mac) {
    return std::ranges::any_of(stopped, [&](const GuardLab::Stopped& row) { return row.mac == mac && row.frames > 0; });
}

}  // namespace

TEST_CASE("behind the guard a hostile guest does no harm, and is named", "[lab]") {
    GuardLab lab{options("enforce")};
    lab.start_daemon();
    REQUIRE(lab.state() == "up");
    REQUIRE(lab.has_last_wall());
    auto web = lab.boot("web1", 1);
    auto mail = lab.boot("mail1", 2);
    CHECK(web.run(std::string{"ping -c 2 -W 2 "} + Datacenter::gateway).exit_code == 0);
    CHECK(web.run("ping -c 2 -W 2 " + lab.address_of("mail1")).exit_code == 0);
    CHECK(lab.datacenter.exec({"ping", "-c", "1", "-W", "2", lab.address_of("web1")}).exit_code == 0);
    lab.require_clean_wire();
    CHECK(lab.stopped().empty());

    const auto mac = lab.mac_of("web1").text();
    be_hostile(lab, web, lab.address_of("mail1"), mac);
    lab.require_clean_wire();
    const auto stopped = lab.stopped();
    INFO(lab.story());
    CHECK(names_mac(stopped, stolen_mac));
    CHECK(names_mac(stopped, mac));         // others' addresses
    CHECK(rows_of(stopped, "web1") >= 22);  // itself, the stolen one, 20 made up
    CHECK(rows_of(stopped, "web1") == stopped.size());
    const auto explained = lab.cli({"guest", "explain", "web1"});
    INFO(explained.out << explained.err);
    CHECK(explained.out.find(stolen_mac) != std::string::npos);
    CHECK(lab.lab.log().find("guard-blocked") != std::string::npos);

    // And it is as good as before, as is its neighbour.
    CHECK(web.run(std::string{"ping -c 2 -W 2 "} + Datacenter::gateway).exit_code == 0);
    CHECK(mail.run("ping -c 2 -W 2 " + lab.address_of("web1")).exit_code == 0);
    lab.require_clean_wire();
}

TEST_CASE("without the guard the same guest closes the port", "[lab]") {
    const auto how = GENERATE(as<std::string>{}, "off", "observe", "down");
    CAPTURE(how);
    GuardLab lab{options(how == "down" ? "enforce" : how)};
    lab.start_daemon();
    if (how == "down") REQUIRE(lab.cli({"guard", "down"}).exit_code == 0);
    CHECK(lab.state() == (how == "down" ? "down" : how));
    auto web = lab.boot("web1", 1);
    REQUIRE(lab.port().is_open());
    const auto mac = lab.mac_of("web1").text();

    be_hostile(lab, web, "203.0.113.99", mac);
    INFO(lab.story());
    CHECK(lab.port().state == "closed");
    REQUIRE(lab.port().closed_by);
    CHECK(lab.port().closed_by->mac == stolen_mac);
    CHECK(lab.port().spoofed >= 20);
    if (how == "observe") {
        CHECK(names_mac(lab.stopped(), stolen_mac));
        CHECK(rows_of(lab.stopped(), "web1") == lab.stopped().size());
        CHECK(lab.lab.log().find("would be stopped") != std::string::npos);
    } else {
        CHECK(lab.stopped().empty());
    }
}
