#include "config/parse_settings.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <ctime>

using namespace fip;
using namespace std::chrono_literals;
using config::parse_settings;

TEST_CASE("an empty file means the defaults") {
    CHECK(parse_settings("", "f") == Settings{});
    CHECK(parse_settings("\xEF\xBB\xBF# only a comment", "f") == Settings{});
}

TEST_CASE("every key arrives in its field") {
    const auto settings = parse_settings(R"(
[host]
name = "hv1"
[store]
url = "sqlite:/srv/leases.db"
[libvirt]
uris = ["qemu+unix:///system?socket=/run/x", "lxc:///system"]
on_wrong_mac = "hold"
[proxmox]
notes = false
ipfilter = true
[hook]
deadline = "250ms"
[providers.dedibox]
type = "online"
endpoint = "http://127.0.0.1:8080/api/v1/"
token_file = "/etc/failover-ip/dedibox.token"
server = "192.0.2.10"
[pools.public]
provider = "dedibox"
bridges = ["br0", "vmbr.1_x-y"]
mac_type = "xen"
hostname = "{ip-dashed}.{host}.{name}.{uuid}-{vmid}.example.com"
addresses = ["203.0.113.0/28", "203.0.113.77", "2001:db8::/64"]
max_addresses = 256
warm = 0
cooldown = "0s"
guard = "observe"
uplinks = ["eno1"]
ipv6 = ["2001:db8:1::/64"]
default = true
[reconcile]
interval = "2h"
grace = "1d"
)",
                                         "f");
    CHECK(settings.host_name == "hv1");
    CHECK(settings.store_file == "/srv/leases.db");
    CHECK(settings.libvirt_uris == std::vector<std::string>{"qemu+unix:///system?socket=/run/x", "lxc:///system"});
    CHECK(settings.on_wrong_mac == OnWrongMac::hold);
    CHECK_FALSE(settings.proxmox_notes);
    CHECK(settings.proxmox_ipfilter);
    CHECK(settings.hook_deadline == 250ms);
    CHECK(settings.interval == 2h);
    CHECK(settings.grace == 24h);
    CHECK(settings.providers.at("dedibox") == ProviderSettings{"dedibox",
                                                               "online",
                                                               "http://127.0.0.1:8080/api/v1",
                                                               "/etc/failover-ip/dedibox.token",
                                                               "192.0.2.10",
                                                               {},
                                                               {}});
    const auto& pool = settings.pools.at("public");
    CHECK(pool.name == "public");
    CHECK(pool.provider == "dedibox");
    CHECK(pool.bridges == std::vector<std::string>{"br0", "vmbr.1_x-y"});
    CHECK(pool.mac_type == "xen");
    CHECK(pool.hostname == "{ip-dashed}.{host}.{name}.{uuid}-{vmid}.example.com");
    CHECK(pool.addresses ==
          std::vector{Prefix::parse("203.0.113.0/28"), Prefix::parse("203.0.113.77"), Prefix::parse("2001:db8::/64")});
    CHECK(pool.max_addresses == 256);
    CHECK(pool.warm == 0);
    CHECK(pool.cooldown == 0ms);
    CHECK(pool.guard == GuardMode::observe);
    CHECK(pool.uplinks == std::vector<std::string>{"eno1"});
    CHECK(pool.ipv6 == std::vector{Prefix::parse("2001:db8:1::/64")});
    CHECK(pool.is_default);
}

TEST_CASE("a provider with an API needs its type and server only") {
    const auto settings = parse_settings("[providers.d]\ntype = 'online'\nserver = '192.0.2.10'", "f");
    CHECK(settings.providers.at("d").endpoint == "https://api.online.net/api/v1");
    CHECK(settings.providers.at("d").token_file.empty());
}

TEST_CASE("a manual provider lists addresses, ranges and MACs") {
    const auto settings = parse_settings(R"(
[providers.m]
type = "manual"
addresses = ["192.0.2.0/30", "192.0.2.9", {address = "192.0.2.5", mac = "02:00:00:00:00:05"}, {address = "192.0.2.6"}]
)",
                                         "f");
    const auto& provider = settings.providers.at("m");
    CHECK(provider.ranges == std::vector{Prefix::parse("192.0.2.0/30"), Prefix::parse("192.0.2.9")});
    const FixedAddress five{Address::parse("192.0.2.5"), Mac::parse("02:00:00:00:00:05")};
    CHECK(provider.fixed == std::vector{five, FixedAddress{Address::parse("192.0.2.6"), std::nullopt}});
}

TEST_CASE("manual addresses may be written as an array of tables") {
    const auto settings = parse_settings(R"(
[providers.m]
type = "manual"
[[providers.m.addresses]]
address = "192.0.2.5"
[[providers.m.addresses]]
address = "192.0.2.6"
mac = "02:00:00:00:00:06"
)",
                                         "f");
    CHECK(settings.providers.at("m").fixed.size() == 2);
}

TEST_CASE("a pool of a manual provider may hold the addresses itself") {
    const auto settings = parse_settings(R"(
[providers.m]
type = "manual"
[pools.a]
provider = "m"
bridges = ["br0"]
addresses = [{address = "192.0.2.5", mac = "02:00:00:00:00:05"}]
[pools.b]
provider = "m"
bridges = ["br1"]
addresses = ["192.0.2.8/29"]
)",
                                         "f");
    const FixedAddress five{Address::parse("192.0.2.5"), Mac::parse("02:00:00:00:00:05")};
    CHECK(settings.providers.at("m").fixed == std::vector{five});
    CHECK(settings.providers.at("m").ranges == std::vector{Prefix::parse("192.0.2.8/29")});
    CHECK(settings.pools.at("a").addresses == std::vector{Prefix::parse("192.0.2.5")});
    CHECK(settings.pools.at("b").addresses == std::vector{Prefix::parse("192.0.2.8/29")});
}

TEST_CASE("a pool's ranges are a filter where the manual provider has a list of its own") {
    const auto settings = parse_settings(R"(
[providers.m]
type = "manual"
addresses = ["192.0.2.8", "192.0.2.80"]
[pools.b]
provider = "m"
bridges = ["br1"]
addresses = ["192.0.2.0/26"]
)",
                                         "f");
    CHECK(settings.providers.at("m").ranges == std::vector{Prefix::parse("192.0.2.8"), Prefix::parse("192.0.2.80")});
    CHECK(settings.pools.at("b").addresses == std::vector{Prefix::parse("192.0.2.0/26")});
}

TEST_CASE("the driver of a URI") {
    CHECK(config::driver_of("qemu:///system") == "qemu");
    CHECK(config::driver_of("qemu+unix:///system?socket=/x") == "qemu");
    CHECK(config::driver_of("lxc:///") == "lxc");
    CHECK(config::driver_of("").empty());
    CHECK(config::driver_of("qemu").empty());
}

TEST_CASE("ten thousand manual addresses are read without delay") {
    std::string text = "[providers.m]\ntype = 'manual'\naddresses = [\n";
    for (int i = 0; i < 10'000; ++i) {
        const auto high = std::to_string(i / 256);
        const auto low = std::to_string(i % 256);
        text += "{address = '10.0." + high + "." + low + "', mac = '02:00:00:00:";
        constexpr const char* hex = "0123456789abcdef";
        for (const int byte : {i / 256, i % 256}) {
            text += hex[byte / 16];
            text += hex[byte % 16];
            text += ':';
        }
        text.pop_back();
        text += "'},\n";
    }
    text += "]\n[pools.p]\nprovider = 'm'\nbridges = ['br0']\n";
    const auto begin = std::clock();
    CHECK(parse_settings(text, "f").providers.at("m").fixed.size() == 10'000);
    CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 2);  // 20 ms when optimised and undisturbed
}
