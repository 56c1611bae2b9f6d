#include "cli_daemon.hpp"
#include "hook_guest.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto good_mac = "52:54:00:00:00:05";
constexpr auto bad_mac = "52:54:00:00:00:99";

struct Managed : CliHost {
    Managed() {
        configure(manual_config());
        put(active_lease("203.0.113.5", good_mac));
    }
};

void check_is_silent(const Result& result) {
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.empty());
}

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a guest with a good lease starts, silently", "[hook]") {
    const Managed host;
    check_is_silent(call_hook(host, "prepare", domain_with(bridge_nic(good_mac))));
    check_is_silent(call_hook(host, "start", domain_with(bridge_nic(good_mac))));
}

TEST_CASE("a guest with a MAC that nobody knows is refused at prepare, in one line", "[hook]") {
    const Managed host;
    const auto result = call_hook(host, "prepare", domain_with(bridge_nic(bad_mac)));
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("failover-ip: web1 may not start: ") && Contains(bad_mac));
    CHECK(lines(result.err) == 1);
}

TEST_CASE("only prepare and start of a begin may refuse", "[hook]") {
    const Managed host;
    const auto xml = domain_with(bridge_nic(bad_mac));
    for (const auto* operation :
         {"reconnect", "started", "stopped", "release", "migrate", "restore", "attach", "", "new"}) {
        CAPTURE(operation);
        check_is_silent(call_hook(host, operation, xml));
    }
    check_is_silent(host.run({"failover-ip-hook", "web1", "prepare", "end", "-"}, xml));
    check_is_silent(host.run({"failover-ip-hook", "web1"}, xml));
    check_is_silent(host.run({"failover-ip-hook"}, xml));
    check_is_silent(call_hook(host, "reconnect", "not XML, br0"));
}

TEST_CASE("a guest that is on no managed bridge starts without the store being opened", "[hook]") {
    const CliHost host;
    host.configure(manual_config());  // there is no store: opening it would refuse
    check_is_silent(call_hook(host, "prepare", domain_with(bridge_nic(bad_mac, "virbr0"))));
    check_is_silent(
        call_hook(host, "prepare", domain_with("<interface type='network'><source network='br0'/></interface>")));
    check_is_silent(
        call_hook(host, "prepare", domain_with("<disk type='file'><source file='/images/br0.img'/></disk>")));
}

TEST_CASE("a NIC of type network is judged at start, when its bridge is known", "[hook]") {
    const Managed host;
    const auto mac = [](const std::string& text) { return "<mac address='" + text + "'/>"; };
    check_is_silent(call_hook(host, "prepare",
                              domain_with("<interface type='network'>" + mac(bad_mac) +
                                          "<source network='public'/></interface><!-- br0 -->")));
    // As libvirt 9 writes it then: the type is that of what the network became.
    const auto at_start = [&](const std::string& text, const std::string& bridge) {
        return domain_with("<interface type='bridge'>" + mac(text) +
                           "<source network='public' portid='b0e7632f-1f5b-42eb-bbc3-a81e20d56408' bridge='" + bridge +
                           "'/></interface>");
    };
    const auto result = call_hook(host, "start", at_start(bad_mac, "br0"));
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains(bad_mac));
    check_is_silent(call_hook(host, "start", at_start(good_mac, "br0")));
    check_is_silent(call_hook(host, "start", at_start(bad_mac, "br7")));
    const auto direct = "<interface type='direct'>" + mac(bad_mac) +
                        "<source network='public' portid='b0e7632f-1f5b-42eb-bbc3-a81e20d56408' dev='br0' "
                        "mode='bridge'/></interface>";
    CHECK(call_hook(host, "start", domain_with(direct)).exit_code == 1);
    const auto unresolved =
        "<interface type='network'>" + mac(bad_mac) + "<source network='public' bridge='br0'/></interface>";
    CHECK(call_hook(host, "start", domain_with(unresolved)).exit_code == 1);
}

TEST_CASE("a NIC of type bridge is not judged a second time at start", "[hook]") {
    const Managed host;
    check_is_silent(call_hook(host, "start", domain_with(bridge_nic(bad_mac))));
}

TEST_CASE("a direct NIC on a managed bridge is judged, a tagged one is not", "[hook]") {
    const Managed host;
    const auto direct =
        "<interface type='direct'><mac address='" + std::string{bad_mac} + "'/><source dev='br0'/></interface>";
    CHECK(call_hook(host, "prepare", domain_with(direct)).exit_code == 1);
    const auto tagged = "<interface type='bridge'><mac address='" + std::string{bad_mac} +
                        "'/><source bridge='br0'/><vlan><tag id='7'/></vlan></interface>";
    check_is_silent(call_hook(host, "prepare", domain_with(tagged)));
}

TEST_CASE("a driver that the configuration does not list is none of our business", "[hook]") {
    const Managed host;
    const auto lxc = domain_with(bridge_nic(bad_mac), "lxc");
    check_is_silent(call_hook(host, "prepare", lxc));
    check_is_silent(call_hook(host, "prepare", domain_with(bridge_nic(bad_mac), "xen")));
    CHECK(call_hook(host, "prepare", domain_with(bridge_nic(bad_mac), "qemu")).exit_code == 1);

    host.configure("[libvirt]\nuris = [\"qemu:///system\", \"lxc+unix:///system\"]\n" + manual_config());
    CHECK(call_hook(host, "prepare", lxc).exit_code == 1);
}

TEST_CASE("what names a managed bridge and cannot be understood does not start", "[hook]") {
    const Managed host;
    const auto result = call_hook(host, "prepare", "<domain type='kvm'><source bridge='br0'/>");
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("cannot be understood"));
    CHECK(lines(result.err) == 1);
    check_is_silent(call_hook(host, "prepare", "<domain type='kvm'><source bridge='lan7'/>"));
    check_is_silent(call_hook(host, "prepare", ""));
    check_is_silent(call_hook(host, "migrate", "<domain type='kvm'><source bridge='br0'/>"));
}

TEST_CASE("an XML above 4 MiB does not start, and is read to its end", "[hook]") {
    const Managed host;
    const auto result = call_hook(host, "prepare", domain_with("<!--" + std::string(5U << 20U, 'x') + "-->"));
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("4 MiB"));
    check_is_silent(call_hook(host, "restore", std::string(5U << 20U, 'x')));
}

TEST_CASE("hostile names come out printable, cut, and in one line", "[hook]") {
    const Managed host;
    const auto name = "web\n1 {} \x1b[31m \xff " + std::string(1000, 'x');
    const auto result = call_hook(host, "prepare", domain_with(bridge_nic(bad_mac)), name);
    CHECK(result.exit_code == 1);
    CHECK(lines(result.err) == 1);
    CHECK(result.err.size() < 1000);
    CHECK(std::all_of(result.err.begin(), result.err.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; }));
    CHECK_THAT(result.err, Contains("web\\n1 {}"));
}

TEST_CASE("what the daemon can put right is said with its help: try again, or start it", "[hook]") {
    const Managed host;
    const auto xml = domain_with(bridge_nic(bad_mac));
    CHECK_THAT(call_hook(host, "prepare", xml).err, Contains("systemctl start failover-ip-libvirt"));
    {
        const CliDaemon daemon{host.path("run/libvirt.sock"), CliDaemon::Manner::answers};
        const auto result = call_hook(host, "prepare", xml);
        CHECK(result.exit_code == 1);
        CHECK_THAT(result.err, Contains("try again"));
        CHECK(daemon.requests() == std::vector<std::string>{std::string{"look "} + hook_uuid});
    }
    {
        const CliDaemon daemon{host.path("run/libvirt.sock"), CliDaemon::Manner::stays_silent};
        const auto begin = std::chrono::steady_clock::now();
        CHECK_THAT(call_hook(host, "prepare", xml).err, Contains("systemctl start failover-ip-libvirt"));
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{2});
    }
}

TEST_CASE("the daemon is not asked about a guest that may start", "[hook]") {
    const Managed host;
    const CliDaemon daemon{host.path("run/libvirt.sock"), CliDaemon::Manner::answers};
    check_is_silent(call_hook(host, "prepare", domain_with(bridge_nic(good_mac))));
    CHECK(daemon.requests().empty());
}

TEST_CASE("a migration or a restore that was announced is remembered for the refusal that follows", "[hook]") {
    const Managed host;
    const auto xml = domain_with(bridge_nic(bad_mac));
    check_is_silent(call_hook(host, "restore", xml));
    CHECK_THAT(call_hook(host, "prepare", xml).err, Contains("managedsave-remove"));
    CHECK_THAT(call_hook(host, "prepare", xml).err, !Contains("managedsave-remove"));  // a start of another kind
    check_is_silent(call_hook(host, "migrate", xml));
    CHECK_THAT(call_hook(host, "prepare", xml).err, Contains("migration"));
}

TEST_CASE("a guest whose address is on another server does not start here", "[hook]") {
    const CliHost host;
    host.configure(manual_config());
    auto lease = active_lease("203.0.113.5", good_mac);
    lease.state = LeaseState::away;
    host.put(lease);
    const auto result = call_hook(host, "prepare", domain_with(bridge_nic(good_mac)));
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("203.0.113.5 is on another server; route it to this one ("));
}

TEST_CASE("without a usable configuration nothing is refused", "[hook]") {
    const CliHost host;
    const auto xml = domain_with(bridge_nic(bad_mac));
    check_is_silent(call_hook(host, "prepare", xml));
    host.configure("this is no TOML [[[");
    check_is_silent(call_hook(host, "prepare", xml));
    std::filesystem::create_directory(host.path("etc/x"));
    host.configure("");
    check_is_silent(call_hook(host, "prepare", xml));
}

TEST_CASE("with a bad configuration the last accepted one holds", "[hook]") {
    const Managed host;
    const auto xml = domain_with(bridge_nic(bad_mac));
    REQUIRE(call_hook(host, "prepare", xml).exit_code == 1);  // accepts it
    host.configure("this is no TOML [[[");
    CHECK(call_hook(host, "prepare", xml).exit_code == 1);
    std::filesystem::remove(host.path("etc/config.toml"));
    CHECK(call_hook(host, "prepare", xml).exit_code == 1);
    std::filesystem::remove(host.path("lib/config.accepted.toml"));
    check_is_silent(call_hook(host, "prepare", xml));
}
