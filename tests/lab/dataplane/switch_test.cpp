#include "lab/dataplane/datacenter.hpp"
#include "lab/dataplane/terminal_guest.hpp"
#include "lab/lab_host.hpp"
#include "simulators/online/client.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

using namespace fip::test;

namespace {

constexpr auto gateway = Datacenter::gateway;
constexpr auto web_mac = "02:00:00:00:71:05";
constexpr auto mail_mac = "02:00:00:00:71:06";
constexpr auto web_ip = "203.0.113.5";
constexpr auto mail_ip = "203.0.113.6";

OnlineSimulator::Options account_of(const LabHost& host) {
    OnlineSimulator::Options options;
    options.folder = host.folder() + "/run";
    options.servers = {{11111, "192.0.2.10"}, {22222, "192.0.2.20"}};
    options.addresses = {{web_ip, 11111}, {mail_ip, 11111}, {"203.0.113.7", 22222}};
    options.inside = host.init_pid();
    return options;
}

struct Lab {
    LabHost host;
    OnlineSimulator provider{account_of(host)};
    Datacenter datacenter{host.folder() + "/run/account.json"};

    Lab() { datacenter.attach(host, {}); }
    void register_mac(const std::string& address, const std::string& mac) {
        provider.edit(address, boost::json::object{{"mac", mac}});
    }
    void unregister(const std::string& address) { provider.edit(address, boost::json::object{{"mac", nullptr}}); }
    [[nodiscard]] SwitchSim& fabric() { return datacenter.fabric(); }
    [[nodiscard]] SwitchSim::Port port(const std::string& name = "server1") { return fabric().port(name); }
    /// Raw frames on the server's network card, as a guest's would come by.
    Result send_frames(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {send_frames_program(), "up0"});
        return host.exec(std::move(arguments));
    }
    bool host_reaches_gateway() { return host.exec({"ping", "-c", "1", "-W", "1", gateway}).exit_code == 0; }
};

GuestXml guest_xml(const std::string& name, int number, const std::string& mac, const std::string& address) {
    GuestXml guest;
    guest.name = name;
    guest.uuid = "6f1b1f5e-0000-4000-8000-00000000000" + std::to_string(number);
    guest.nics = {{mac}};
    guest.kernel_arguments =
        "fip.ip=" + address + " fip.gw=" + gateway + " fip.ping=" + gateway + " fip.ip1=" + mail_ip;
    return guest;
}

std::uint64_t answers(const TerminalGuest& guest) {
    return guest.pings(gateway).value_or(TerminalGuest::Pings{}).received;
}

bool gets_answers(const TerminalGuest& guest, std::uint64_t more_than = 0) {
    return wait_until([&] { return answers(guest) > more_than; }, 20s);
}

// A second NIC, with the address that guest_xml() has for it.
void plug_and_unplug(Lab& lab, const TerminalGuest& guest, const std::string& model) {
    const auto nic = "<interface type='bridge'><mac address='" + std::string{mail_mac} +
                     "'/><source bridge='br0'/><model type='" + model + "'/></interface>";
    INFO(guest.console());
    REQUIRE(lab.host.exec({"virsh", "-q", "attach-device", guest.name(), "/dev/stdin", "--live"}, nic).err.empty());
    CHECK(guest.shows(std::string{"FIP-GUEST mac eth1 "} + mail_mac));
    CHECK(lab.datacenter.exec({"ping", "-c", "1", "-W", "2", mail_ip}).exit_code == 0);
    REQUIRE(lab.host.exec({"virsh", "-q", "detach-device", guest.name(), "/dev/stdin", "--live"}, nic).err.empty());
    CHECK(guest.shows("FIP-GUEST gone eth1"));
}

}  // namespace

TEST_CASE("guests with registered MACs reach the gateway and each other, and nothing is lost", "[lab]") {
    Lab lab;
    lab.register_mac(web_ip, web_mac);
    lab.register_mac(mail_ip, mail_mac);
    TerminalGuest web{lab.host, guest_xml("web1", 1, web_mac, web_ip)};
    TerminalGuest mail{lab.host, guest_xml("mail1", 2, mail_mac, mail_ip)};
    web.wait_until_ready();
    mail.wait_until_ready();

    CHECK(web.run(std::string{"ping -c 3 -W 2 "} + mail_ip).exit_code == 0);
    CHECK(lab.datacenter.exec({"ping", "-c", "1", "-W", "2", web_ip}).exit_code == 0);

    // Unsegmented, as the guests' kernels leave it to the network card.
    static_cast<void>(mail.run("tail -f /dev/null | nc -l -p 5000 | md5sum >/sum &"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(web.run(std::string{"head -c 4194304 /dev/zero | nc "} + mail_ip + " 5000").exit_code == 0);
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took < 20s);
    CHECK(mail.run("while ! [ -s /sum ]; do sleep 0.1; done; cat /sum")
              .out.rfind("b5cfa9d6c8febd618f91ac2843d50a1c", 0) == 0);

    CHECK(gets_answers(web, 49));
    CHECK(gets_answers(mail, 49));
    CHECK(web.pings(gateway)->lost() == 0);
    CHECK(mail.pings(gateway)->lost() == 0);
    INFO(lab.fabric().story());
    CHECK(lab.port().is_open());
    CHECK(lab.port().spoofed == 0);
    CHECK(lab.fabric().lost() == 0);
}

TEST_CASE("a guest that changes its MAC closes the port, and one that claims another's address is counted", "[lab]") {
    Lab lab;
    lab.register_mac(web_ip, web_mac);
    TerminalGuest web{lab.host, guest_xml("web1", 1, web_mac, web_ip)};
    web.wait_until_ready();
    REQUIRE(gets_answers(web));
    REQUIRE(lab.host_reaches_gateway());

    lab.register_mac(mail_ip, mail_mac);
    plug_and_unplug(lab, web, "virtio");
    REQUIRE(lab.port().is_open());
    CHECK(web.run("send-frames eth0 --own-mac --count 500 --ethertypes all").out == "sent 500\n");
    CHECK(web.run("send-frames eth0 --own-mac --count 3 --arp-for " + std::string{mail_ip}).exit_code == 0);
    REQUIRE(wait_until([&] { return lab.port().spoofed >= 3; }, 5s));
    INFO(lab.fabric().story());
    CHECK(lab.port().is_open());
    CHECK(lab.port().last_spoofed->claimed == mail_ip);
    CHECK(lab.port().last_spoofed->mac == web_mac);
    CHECK(lab.port().frames[web_mac] >= 503);

    const std::string bad_mac = "02:00:00:00:66:66";
    static_cast<void>(web.run("ip link set eth0 address " + bad_mac));
    REQUIRE(wait_until([&] { return !lab.port().is_open(); }, 5s));
    CHECK(lab.port().closed_by->mac == bad_mac);
    CHECK(lab.port().closed_by->start.substr(12, 12) == "020000006666");
    CHECK_FALSE(lab.host_reaches_gateway());

    static_cast<void>(web.run(std::string{"ip link set eth0 address "} + web_mac));
    const auto refused = lab.port().refused;
    CHECK(wait_until([&] { return lab.port().refused > refused; }, 5s));
    CHECK(lab.port().state == "closed");
    const auto before = answers(web);
    lab.fabric().open("server1");
    CHECK(gets_answers(web, before));
    CHECK(web.pings(gateway)->lost() > 0);
    CHECK(lab.host_reaches_gateway());

    CHECK(web.run("send-frames eth0 --rarp --seed 7").exit_code == 0);
    REQUIRE(wait_until([&] { return !lab.port().is_open(); }, 5s));
    CHECK(lab.port().closed_by->ethertype == "0x8035");
}

TEST_CASE("the switch knows at once what has been registered, deleted and moved", "[lab]") {
    Lab lab;
    REQUIRE(lab.host_reaches_gateway());
    CHECK(lab.datacenter.exec({"ping", "-c", "1", "-W", "1", "192.0.2.10"}).exit_code == 0);
    REQUIRE(lab.port().is_open());

    for (int i = 10; i < 40; ++i) {
        const auto mac = "02:00:00:00:72:" + std::to_string(i);
        lab.register_mac(web_ip, mac);
        REQUIRE(lab.send_frames({"--mac", mac}).out == "sent 1\n");
        REQUIRE(wait_until([&] { return lab.port().frames[mac] == 1; }, 5s));
        INFO(lab.fabric().story());
        REQUIRE(lab.port().is_open());
    }

    const std::string mac = "02:00:00:00:72:39";
    SECTION("a deleted MAC is foreign") {
        lab.unregister(web_ip);
    }
    SECTION("a MAC is foreign where its address was moved away") {
        lab.provider.edit(web_ip, boost::json::object{{"server", 22222}});
    }
    const auto deleted = std::chrono::steady_clock::now();
    CHECK(wait_until([&] { return lab.send_frames({"--mac", mac}).exit_code == 0 && !lab.port().is_open(); }, 5s));
    CHECK(std::chrono::steady_clock::now() - deleted < 200ms);
    REQUIRE(lab.port().closed_by);
    CHECK(lab.port().closed_by->mac == mac);
    CHECK_FALSE(lab.host_reaches_gateway());
}

TEST_CASE("what arrived before its MAC was deleted closes nothing, and any foreign frame after it does", "[lab]") {
    Lab lab;
    for (int i = 0; i < 30; ++i) {
        lab.register_mac(web_ip, web_mac);
        REQUIRE(wait_until([&] { return lab.fabric().registered_macs() == 1; }, 5s));
        lab.fabric().pause();
        REQUIRE(lab.send_frames({"--mac", web_mac, "--count", "300"}).exit_code == 0);
        lab.unregister(web_ip);
        lab.fabric().resume();
    }
    INFO(lab.fabric().story());
    CHECK(wait_until([&] { return lab.port().frames[web_mac] == 9000; }, 5s));
    REQUIRE(lab.port().is_open());

    const std::vector<std::vector<std::string>> foreign{
        {"--seed", "5"},       {"--vlan", "7"},       {"--ethertypes", "0x88cc"},
        {"--ethertypes", "4"}, {"--arp-for", web_ip}, {"--rarp"}};
    for (const auto& frame : foreign) {
        INFO(frame[0]);
        CHECK(lab.send_frames(frame).exit_code == 0);
        CHECK(wait_until([&] { return lab.port().state == "closed"; }, 5s));
        lab.fabric().reset();
        CHECK(lab.port().is_open());
    }
}

TEST_CASE("each server has its own port, and a hundred thousand frames are all seen", "[lab]") {
    Lab lab;
    LabHost second{{"hv2"}};
    lab.datacenter.attach(second, {"server2", "192.0.2.20", "02:00:00:00:20:14"});
    REQUIRE(lab.host.exec({"ping", "-c", "2", "-W", "2", "192.0.2.20"}).exit_code == 0);

    lab.register_mac(web_ip, web_mac);
    constexpr std::uint64_t many = 100'000;
    CHECK(lab.send_frames({"--mac", web_mac, "--count", std::to_string(many), "--size", "64"}).exit_code == 0);
    CHECK(wait_until([&] { return lab.port().frames[web_mac] == many; }, 10s));
    INFO(lab.fabric().story());
    CHECK(lab.fabric().lost() == 0);
    CHECK(lab.port().is_open());

    // Registered, but for the other server.
    const auto frame = std::vector<std::string>{send_frames_program(), "up0", "--mac", web_mac};
    CHECK(second.exec(frame).exit_code == 0);
    CHECK(wait_until([&] { return lab.port("server2").state == "closed"; }, 5s));
    CHECK(lab.port().is_open());

    second.reboot();
    CHECK(lab.port("server2").state == "unplugged");
    lab.datacenter.attach(second, {"server2", "192.0.2.20", "02:00:00:00:20:14"});
    CHECK(second.exec({"ping", "-c", "2", "-W", "2", "192.0.2.10"}).exit_code == 0);
}

TEST_CASE("a guest with e1000e on q35 reaches the gateway", "[lab]") {
    Lab lab;
    lab.register_mac(web_ip, web_mac);
    lab.register_mac(mail_ip, mail_mac);
    auto xml = guest_xml("web1", 1, web_mac, web_ip);
    xml.machine = "q35";
    xml.nics.front().model = "e1000e";
    TerminalGuest web{lab.host, xml};
    web.wait_until_ready();
    INFO(web.console());
    CHECK(web.shows(std::string{"FIP-GUEST mac eth0 "} + web_mac));
    REQUIRE(gets_answers(web));
    plug_and_unplug(lab, web, "e1000e");
    CHECK(lab.port().is_open());
    web.say("poweroff");
    CHECK(wait_until([&] { return lab.host.state("web1") == "shut off"; }, 20s));
}
