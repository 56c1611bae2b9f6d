#include "config/parse_settings.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using config::Mistake;
using config::parse_settings;

namespace {

std::vector<Mistake> mistakes(const std::string& text) {
    try {
        (void)parse_settings(text, "f.toml");
    } catch (const config::ConfigError& error) {
        return error.mistakes();
    }
    return {};
}

/// A good configuration with one line more, or another one in its place; the mistake must be in that line.
std::string one(const std::string& section, const std::string& line) {
    const auto key = line.substr(0, line.find_first_of(" ="));
    std::string text;
    int at = 0;
    int count = 0;
    const auto add = [&](const std::string& more) {
        text += more + '\n';
        ++count;
    };
    const auto block = [&](const std::string& name, const std::vector<std::string>& lines) {
        add("[" + name + "]");
        for (const auto& usual : lines) {
            if (name != section || usual.substr(0, usual.find(' ')) != key) add(usual);
        }
        if (name != section) return;
        add(line);
        at = count;
    };
    block("providers.d", {"type = 'online'", "server = '192.0.2.10'"});
    block("providers.m", {"type = 'manual'", "addresses = ['198.51.100.0/29']"});
    block("pools.p", {"provider = 'd'", "bridges = ['br0']"});
    for (const std::string name : {"host", "store", "libvirt", "proxmox", "hook", "reconcile"}) block(name, {});
    const auto found = mistakes(text);
    if (found.empty()) return "";
    if (found.size() > 1) return "more than one: " + found[0].text + " AND " + found[1].text;
    if (found[0].line != at) return "line " + std::to_string(found[0].line) + " instead of " + std::to_string(at);
    return found[0].key + ": " + found[0].text;
}

}  // namespace

TEST_CASE("all mistakes are reported at once, each with file, line and key") {
    const std::string text = R"([pools.public]
provider = "dedibxo"
bridges = []
waarm = 2
cooldown = "soon"

[providers.dedibox]
type = "online"
server = "here"
)";
    try {
        (void)parse_settings(text, "/etc/failover-ip/config.toml");
        FAIL("accepted");
    } catch (const config::ConfigError& error) {
        CHECK(
            std::string{error.what()} ==
            R"(/etc/failover-ip/config.toml:2: pools.public.provider: there is no [providers.dedibxo]; did you mean "dedibox"?
/etc/failover-ip/config.toml:3: pools.public.bridges: expected at least one entry
/etc/failover-ip/config.toml:4: pools.public.waarm: unknown key; did you mean "warm"?
/etc/failover-ip/config.toml:5: pools.public.cooldown: expected a duration like "250ms", "5s", "10m" or "2h", found soon
/etc/failover-ip/config.toml:9: providers.dedibox.server: expected the main IPv4 address of this server, found here)");
    }
}

TEST_CASE("unknown keys are named with the nearest known one") {
    CHECK(one("pools.p", "hostnam = 'x'") == "pools.p.hostnam: unknown key; did you mean \"hostname\"?");
    CHECK(one("pools.p", "brigdes2 = 'x'") == "pools.p.brigdes2: unknown key; did you mean \"bridges\"?");
    CHECK(one("pools.p", "zzzzzzzzzzzzzzz = 1") == "pools.p.zzzzzzzzzzzzzzz: unknown key");
    CHECK(one("host", "nmae = 'x'") == "host.nmae: unknown key; did you mean \"name\"?");
    CHECK(one("providers.d", "tokenfile = '/x'") == "providers.d.tokenfile: unknown key; did you mean \"token_file\"?");
    CHECK(one("host", "\"a b\\n\\\"\" = 1") == "host.\"a b\\x0a\"\": unknown key");
    const auto found = mistakes("[pool.p]\nx = 1\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0] == Mistake{1, "pool", "unknown key; did you mean \"pools\"?"});
    CHECK(mistakes("x = 1").at(0) == Mistake{1, "x", "unknown key"});
}

TEST_CASE("a wrong type says what was expected") {
    CHECK(one("host", "name = 1") == "host.name: expected a string, found a whole number");
    CHECK(one("proxmox", "notes = 'yes'") == "proxmox.notes: expected true or false, found a string");
    CHECK(one("pools.p", "warm = 1.5") == "pools.p.warm: expected a whole number, found a fraction");
    CHECK(one("pools.p", "warm = 2024-05-06") == "pools.p.warm: expected a whole number, found a date or time");
    CHECK(one("pools.p", "bridges = 'br0'") == "pools.p.bridges: expected a list, found a string");
    CHECK(one("pools.p", "bridges = [1]") == "pools.p.bridges[0]: expected a string, found a whole number");
    CHECK(one("pools.p", "addresses = [1]") ==
          "pools.p.addresses[0]: expected an address or a range like \"203.0.113.0/28\", found a whole number");
    CHECK(one("hook", "deadline = 5") ==
          "hook.deadline: expected a duration above zero like \"5s\", \"10m\" or \"2h\", found a whole number");
    CHECK(mistakes("pools = 1").at(0) == Mistake{1, "pools", "expected a table, found a whole number"});
    CHECK(mistakes("[pools]\np = 1").at(0) == Mistake{2, "pools.p", "expected a table, found a whole number"});
    CHECK(mistakes("[providers]\np = []").at(0) == Mistake{2, "providers.p", "expected a table, found a list"});
    CHECK(mistakes("[[host]]\nname = 'x'").at(0).text == "expected a table, found a list");
}

TEST_CASE("numbers and durations have limits") {
    CHECK(one("pools.p", "warm = 1000").empty());
    CHECK(one("pools.p", "warm = 1001") == "pools.p.warm: expected a number from 0 to 1000, found 1001");
    CHECK(one("pools.p", "warm = -1") == "pools.p.warm: expected a number from 0 to 1000, found -1");
    CHECK(one("pools.p", "max_addresses = 0") == "pools.p.max_addresses: expected a number from 1 to 256, found 0");
    CHECK(one("pools.p", "max_addresses = 9223372036854775807") ==
          "pools.p.max_addresses: expected a number from 1 to 256, found 9223372036854775807");
    CHECK(one("pools.p", "cooldown = '0s'").empty());
    for (const std::string key : {"interval", "grace"}) {
        CHECK_THAT(one("reconcile", key + " = '0s'"), Catch::EndsWith("found \"0s\"") || Catch::EndsWith("found 0s"));
        CHECK_THAT(one("reconcile", key + " = '-1s'"), Catch::Contains("expected a duration above zero"));
    }
    CHECK_THAT(one("hook", "deadline = '0ms'"), Catch::Contains("expected a duration above zero"));
    CHECK_THAT(one("hook", "deadline = '5 s'"), Catch::Contains("expected a duration above zero"));
    CHECK_THAT(one("hook", "deadline = '1000000d'"), Catch::Contains("expected a duration above zero"));
}

TEST_CASE("choices are from their list") {
    CHECK(one("pools.p", "mac_type = 'kwm'") ==
          "pools.p.mac_type: expected one of kvm, xen, vmware; found kwm; did you mean \"kvm\"?");
    CHECK(one("pools.p", "guard = 'on'") ==
          "pools.p.guard: expected one of enforce, observe, off; found on; did you mean \"off\"?");
    CHECK_THAT(one("libvirt", "on_wrong_mac = 'Swap'"), Catch::Contains("did you mean \"swap\"?"));
}

TEST_CASE("names of interfaces, pools and providers are checked") {
    for (const std::string name : {"", "br 0", "a/b", "0123456789abcdef", ".", "..", "br\xC3\xA4", "br0;x", "br0\\n"}) {
        CHECK_THAT(one("pools.p", "bridges = [\"" + name + "\"]"),
                   Catch::StartsWith("pools.p.bridges[0]: expected the name of a network"));
    }
    CHECK(one("pools.p", "bridges = ['0123456789abcde']").empty());
    CHECK(one("pools.p", "bridges = ['br0', 'br0']") == "pools.p.bridges[1]: br0 is there twice");
    CHECK_THAT(one("pools.p", "uplinks = []"), Catch::Contains("expected at least one entry"));
    CHECK_THAT(one("host", "name = 'a b'"), Catch::StartsWith("host.name: expected a host name"));
    CHECK_THAT(mistakes("[pools.\"a b\"]").at(0).text, Catch::StartsWith("expected a name of letters"));
    CHECK_THAT(mistakes("[providers.\"../x\"]").at(0).text, Catch::StartsWith("expected a name of letters"));
    CHECK_THAT(mistakes("[providers.\"\"]").at(0).text, Catch::StartsWith("expected a name of letters"));
}

TEST_CASE("what a section needs is missed at its first line") {
    const auto found = mistakes("\n[pools.p]\nwarm = 1\n[providers.x]\n[providers.y]\ntype = 'online'\n");
    REQUIRE(found.size() == 4);
    CHECK(found[0] == Mistake{2, "pools.p.provider", "missing; expected the name of a provider"});
    CHECK(found[1] == Mistake{2, "pools.p.bridges", "missing; expected a list of bridges like [\"br0\"]"});
    CHECK(found[2] == Mistake{4, "providers.x.type", "missing; expected online or manual"});
    CHECK(found[3] == Mistake{5, "providers.y.server", "missing; expected the main IPv4 address of this server"});
}

TEST_CASE("provider types that come later are said to be not built yet") {
    for (const std::string type : {"scaleway-dedibox", "scaleway-flexible-ip", "ovh", "hetzner-robot"}) {
        CHECK(mistakes("[providers.x]\ntype = '" + type + "'\nserver = 'a'").at(0) ==
              Mistake{2, "providers.x.type", type + " is not built yet; this version has online and manual"});
    }
    CHECK(mistakes("[providers.x]\ntype = 'onlin'").at(0).text ==
          "expected online or manual, found onlin; did you mean \"online\"?");
}

TEST_CASE("endpoints are https, or http to this machine") {
    for (const std::string good :
         {"https://api.example.com", "https://api.example.com:8443/v1/x_y~z", "http://127.0.0.1:80/a",
          "http://127.9.9.9", "http://localhost:1", "http://[::1]:8080/a", "https://[2001:db8::1]/"}) {
        INFO(good);
        CHECK(one("providers.d", "endpoint = '" + good + "'").empty());
    }
    CHECK(one("providers.d", "endpoint = 'http://api.example.com'") ==
          "providers.d.endpoint: expected https://: plain http is for loopback addresses only");
    for (const std::string wrong : {"",
                                    "api.example.com",
                                    "ftp://127.0.0.1",
                                    "https://",
                                    "https:///x",
                                    "https://user:secret@api.example.com",
                                    "http://127.0.0.1@example.com",
                                    "http://127.0.0.1.example.com",
                                    "http://localhost.example.com",
                                    "http://127.1",
                                    "http://2130706433",
                                    "http://0.0.0.0",
                                    "http://[::]",
                                    "http://[::1",
                                    "http://[::1]x",
                                    "https://a b",
                                    "https://a?b",
                                    "https://a#b",
                                    "https://a:0",
                                    "https://a:65536",
                                    "https://a:",
                                    "https://a:1:2",
                                    "https://a/b:c",
                                    "HTTPS://a",
                                    "https://a\\b",
                                    "https://-a",
                                    "http://127.0.0.1%00.example.com",
                                    "https://[a]"}) {
        INFO(wrong);
        const auto found = one("providers.d", "endpoint = '" + wrong + "'");
        CHECK_THAT(found, Catch::StartsWith("providers.d.endpoint: expected https://"));
        CHECK(found.find("secret") == std::string::npos);
    }
}

TEST_CASE("the token's file is an absolute path, and never quoted") {
    CHECK(one("providers.d", "token_file = '/etc/x.token'").empty());
    for (const std::string wrong : {"", "x", "0123456789abcdef-secret", "/", "/etc/", "/a\\nb"}) {
        CHECK(one("providers.d", "token_file = \"" + wrong + "\"") ==
              "providers.d.token_file: expected the absolute path of a file that holds the token");
    }
    CHECK(one("providers.m", "token_file = '/x'") == "providers.m.token_file: a provider of type manual has no API");
    CHECK(one("providers.m", "endpoint = 'https://x'") == "providers.m.endpoint: a provider of type manual has no API");
    CHECK_THAT(one("providers.d", "addresses = []"), Catch::Contains("only providers of type manual"));
}

TEST_CASE("reverse names have known placeholders and are DNS names") {
    for (const std::string good :
         {"{name}.example.com", "mail.example.com", "a-{uuid}-b.{host}.example.com", "{vmid}{ip-dashed}.x"}) {
        INFO(good);
        CHECK(one("pools.p", "hostname = '" + good + "'").empty());
    }
    CHECK(one("pools.p", "hostname = '{ip_dashed}.example.com'") ==
          "pools.p.hostname: unknown placeholder {ip_dashed}; expected one of {name} {uuid} {ip-dashed} {vmid} {host}; "
          "did you mean \"ip-dashed\"?");
    for (const std::string wrong :
         {"{name.example.com", "name}.example.com", "{{name}}.example.com", "{name}}.example.com", "{", "}"}) {
        CHECK_THAT(one("pools.p", "hostname = '" + wrong + "'"), Catch::Contains("expected balanced braces"));
    }
    for (const std::string wrong : {"", ".", "a..b", "-a.example.com", "{name}-.example.com", "a b.example.com",
                                    "a/b.example.com", "{name}", "\xC3\xA4.example.com", "a.example.com."}) {
        INFO(wrong);
        CHECK_THAT(one("pools.p", "hostname = '" + wrong + "'"), Catch::Contains("expected a DNS name"));
    }
    CHECK_THAT(one("pools.p", "hostname = '{}.example.com'"), Catch::Contains("unknown placeholder {}"));
}

TEST_CASE("store and libvirt URIs are checked") {
    for (const std::string wrong :
         {"", "sqlite:", "sqlite:/", "sqlite:leases.db", "postgres://x", "/var/lib/x", "sqlite:/a/", "sqlite:/a\\nb"}) {
        CHECK_THAT(one("store", "url = \"" + wrong + "\""),
                   Catch::StartsWith("store.url: expected \"sqlite:/ABSOLUTE/FILE\""));
    }
    CHECK(one("libvirt", "uris = ['xen:///system', 'test:///default']").empty());
    CHECK(
        one("libvirt", "uris = ['qmeu:///system']") ==
        "libvirt.uris[0]: unknown driver qmeu; expected a libvirt URI like \"qemu:///system\"; did you mean \"qemu\"?");
    CHECK_THAT(one("libvirt", "uris = ['qemu']"), Catch::Contains("expected a libvirt URI"));
    CHECK_THAT(one("libvirt", "uris = []"), Catch::Contains("expected at least one entry"));
    CHECK_THAT(one("libvirt", "uris = ['qemu:///system', 'qemu:///system']"), Catch::Contains("is there twice"));
}

TEST_CASE("addresses and ranges are strict") {
    for (const std::string wrong :
         {"", "203.0.113.5/28", "203.0.113.0/33", "203.0.113.0/", "x", "203.0.113.0/28 ", "2001:db8::1/64"}) {
        INFO(wrong);
        CHECK_THAT(one("pools.p", "addresses = ['" + wrong + "']"),
                   Catch::StartsWith("pools.p.addresses[0]: expected an address or a range"));
    }
    CHECK(one("pools.p", "ipv6 = ['192.0.2.0/24']") == "pools.p.ipv6[0]: expected an IPv6 prefix");
    CHECK_THAT(one("pools.p", "addresses = []"), Catch::Contains("expected at least one address"));
    CHECK_THAT(one("pools.p", "addresses = [{address = '192.0.2.5'}]"),
               Catch::Contains("only providers of type manual"));
    CHECK_THAT(one("pools.p", "ipv6 = [{address = '2001:db8::1'}]"), Catch::Contains("found a table"));
}

TEST_CASE("manual addresses are listed once, with MACs of their own") {
    const auto manual = [](const std::string& list) { return one("providers.m", "addresses = [" + list + "]"); };
    CHECK(manual("'192.0.2.5', '192.0.2.5'") ==
          "providers.m.addresses[1]: 192.0.2.5/32 overlaps 192.0.2.5/32 in providers.m.addresses[0] (line 6); an "
          "address is listed once");
    CHECK_THAT(manual("{address = '192.0.2.5'}, '192.0.2.0/28'"), Catch::Contains("overlaps"));
    CHECK_THAT(manual("{address = '192.0.2.5'}, {address = '192.0.2.5'}"), Catch::Contains("overlaps"));
    CHECK(
        manual(
            "{address = '192.0.2.5', mac = '02:00:00:00:00:05'}, {address = '192.0.2.6', mac = '02:00:00:00:00:05'}") ==
        "providers.m.addresses[1]: MAC 02:00:00:00:00:05 is that of 192.0.2.5 already (line 6)");
    CHECK(manual("{address = '192.0.2.5', mak = ''}") ==
          "providers.m.addresses[0].mak: unknown key; did you mean \"mac\"?");
    CHECK_THAT(manual("{address = '192.0.2.5', mac = 'ff:ff:ff:ff:ff:ff'}"), Catch::Contains("expected a MAC address"));
    CHECK_THAT(manual("{mac = '02:00:00:00:00:05'}"), Catch::Contains("addresses[0].address: missing"));
    CHECK(manual("'10.0.0.0/16'").empty());
    CHECK(manual("'10.0.0.0/15'") ==
          "providers.m.addresses[0]: 10.0.0.0/15 is too large; expected at most 65,536 addresses");
    CHECK_THAT(manual("'2001:db8::/111'"), Catch::Contains("too large"));
    CHECK_THAT(manual("'::/0'"), Catch::Contains("too large"));
    CHECK(mistakes("[providers.m]\ntype = 'manual'").at(0).text ==
          "no addresses; expected a list like addresses = [\"192.0.2.0/28\", {address = \"198.51.100.5\"}]");
}

TEST_CASE("pools on one bridge have one default") {
    const auto pools = [](const std::string& first, const std::string& second) {
        return mistakes(
            "[providers.m]\ntype = 'manual'\naddresses = ['192.0.2.0/24']\n"
            "[pools.z]\nprovider = 'm'\nbridges = ['br0', 'br1']\n" +
            first +
            "\n"
            "[pools.a]\nprovider = 'm'\naddresses = ['192.0.2.8/29']\nbridges = ['br0']\n" +
            second + "\n");
    };
    CHECK(pools("default = true", "").empty());
    CHECK(pools("", "default = true").empty());
    CHECK(pools("", "") == std::vector{Mistake{11, "pools.a.bridges",
                                               "2 pools are on bridge br0; expected `default = true` in one of them"}});
    CHECK(pools("default = true", "default = true") ==
          std::vector{Mistake{12, "pools.a.default",
                              "pool z is the default on bridge br0 already; expected one default per bridge"}});
}

TEST_CASE("filters of pools do not overlap") {
    const auto pools = [](const std::string& first, const std::string& second) {
        return mistakes(
            "[providers.d]\ntype = 'online'\nserver = '192.0.2.10'\n"
            "[pools.z]\nprovider = 'd'\nbridges = ['br0']\naddresses = [" +
            first +
            "]\n"
            "[pools.a]\nprovider = 'd'\nbridges = ['br1']\naddresses = [\n" +
            second + "]\n");
    };
    CHECK(pools("'203.0.113.0/29'", "'203.0.113.8/29'").empty());
    CHECK(pools("'203.0.113.0/28'", "'198.51.100.1',\n'203.0.113.8/29'") ==
          std::vector{Mistake{13, "pools.a.addresses[1]",
                              "203.0.113.8/29 overlaps 203.0.113.0/28 in pools.z.addresses[0] (line 7); an address "
                              "belongs to one pool"}});
    CHECK(pools("'203.0.113.9'", "'0.0.0.0/0'").size() == 1);
    CHECK(pools("'203.0.113.9'", "'::/0'").empty());
    CHECK(pools("'203.0.113.0/28', '203.0.113.1', '203.0.113.2'", "'203.0.113.3'").size() == 3);
}

TEST_CASE("one pool of a provider takes what no filter names") {
    CHECK(mistakes("[providers.d]\ntype = 'online'\nserver = '192.0.2.10'\n"
                   "[pools.z]\nprovider = 'd'\nbridges = ['br0']\n[pools.a]\nprovider = 'd'\nbridges = ['br1']\n") ==
          std::vector{Mistake{7, "pools.a",
                              "pool z takes all other addresses of d already; expected `addresses` in one of them"}});
}

TEST_CASE("an address in two pools of a manual provider is one mistake") {
    const auto found = mistakes(
        "[providers.m]\ntype = 'manual'\n"
        "[pools.z]\nprovider = 'm'\nbridges = ['br0']\naddresses = ['192.0.2.5']\n"
        "[pools.a]\nprovider = 'm'\nbridges = ['br1']\naddresses = [{address = '192.0.2.5'}]\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].line == 10);
    CHECK_THAT(found[0].text, Catch::Contains("an address belongs to one pool"));
}
