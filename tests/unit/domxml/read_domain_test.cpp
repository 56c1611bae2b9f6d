#include "domxml/read_domain.hpp"
#include "core/errors.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip;
using domxml::names_any;
using domxml::read_domain;

namespace {

std::string domain(const std::string& devices, const std::string& metadata = "") {
    return "<domain type='kvm'>\n  <name>web</name>\n  <uuid>C7A5FDBD-edaf-9455-926a-d65c16db1809</uuid>\n  "
           "<metadata>" +
           metadata + "</metadata>\n  <devices>" + devices + "</devices>\n</domain>\n";
}

std::string problem_of(const std::string& attributes) {
    return read_domain(domain("", "<request xmlns='urn:failover-ip:request:1' " + attributes + "/>")).guest.problem;
}

}  // namespace

TEST_CASE("a domain's name, uuid and type are read") {
    const auto [guest, type] = read_domain(domain(""));
    CHECK(guest.name == "web");
    CHECK(guest.id == GuestId{GuestKind::libvirt, "c7a5fdbd-edaf-9455-926a-d65c16db1809"});
    CHECK(type == "kvm");
    CHECK(guest.nics.empty());
    CHECK_FALSE(guest.request);
}

TEST_CASE("a uuid is read as libvirt reads it") {
    const auto uuid = [](const std::string& text) {
        return read_domain("<domain><uuid>" + text + "</uuid></domain>").guest.id.value;
    };
    CHECK(uuid("c7a5fdbdedaf9455926ad65c16db1809") == "c7a5fdbd-edaf-9455-926a-d65c16db1809");
    CHECK(uuid("\n  c7a5fdbd-edaf-9455-926a-d65c16db1809\n") == "c7a5fdbd-edaf-9455-926a-d65c16db1809");
    CHECK(read_domain("<domain/>").guest.id.value.empty());
    for (const std::string wrong : {"", "x", "c7a5fdbd-edaf-9455-926a-d65c16db180",
                                    "c7a5fdbd-edaf-9455-926a-d65c16db18099", "g7a5fdbd-edaf-9455-926a-d65c16db1809"}) {
        CHECK_THROWS_AS(uuid(wrong), InputError);
    }
}

TEST_CASE("a name may hold whatever XML may hold") {
    const auto name = [](const std::string& text) {
        return read_domain("<domain><name>" + text + "</name></domain>").guest.name;
    };
    CHECK(name("{name} %s 'q\"") == "{name} %s 'q\"");
    CHECK(name("a&#10;b") == "a\nb");
    CHECK(name("&lt;&amp;") == "<&");
    CHECK(name("gr\xC3\xBC\xC3\x9F"
               "e") ==
          "gr\xC3\xBC\xC3\x9F"
          "e");
    CHECK(name("<![CDATA[<x>]]>y") == "<x>y");
    CHECK(name("a<b>c</b>d") == "acd");
    CHECK(read_domain("<domain><name>one</name><name>two</name></domain>").guest.name == "one");
}

TEST_CASE("interfaces are read in order, each type with what it hangs on") {
    const auto nics = read_domain(domain(R"(
    <interface type='bridge'>
      <mac address='52:54:00:AA:bb:01'/><source bridge='br0'/><target dev='vnet0'/><model type='virtio'/><alias name='net0'/>
    </interface>
    <disk><interface type='bridge'/></disk>
    <interface type='network'><source network='default' bridge='virbr0'/></interface>
    <interface type='network'><source network='hostdev-net'/></interface>
    <interface type='direct'><source dev='eno1' mode='bridge'/></interface>
    <interface type='ethernet'><mac address='52:54:00:00:00:05'/><target dev='tap7'/></interface>
    <interface type='bridge'><source bridge='ovs0'/><vlan><tag id='5'/></vlan><virtualport type='openvswitch'/></interface>
    <interface type='hostdev'><source><address bridge='br0'/></source></interface>)"))
                          .guest.nics;
    REQUIRE(nics.size() == 7);
    const Nic first{0,    NicType::bridge, Mac::parse("52:54:00:aa:bb:01"), "br0", "", "virtio", "net0", "vnet0", "",
                    false};
    CHECK(nics[0] == first);
    CHECK(nics[1] == Nic{1, NicType::network, {}, "virbr0", "default", "", "", "", "", false});
    CHECK(nics[2] == Nic{2, NicType::network, {}, "", "hostdev-net", "", "", "", "", false});
    CHECK(nics[3] == Nic{3, NicType::direct, {}, "eno1", "", "", "", "", "", false});
    CHECK(nics[4] == Nic{4, NicType::ethernet, Mac::parse("52:54:00:00:00:05"), "", "", "", "", "tap7", "", false});
    CHECK(nics[5] == Nic{5, NicType::bridge, {}, "ovs0", "", "", "", "", "", true});
    CHECK(nics[6] == Nic{6, NicType::other, {}, "", "", "", "", "", "", false});
}

TEST_CASE("of what an interface has once, the first counts") {
    const auto nics =
        read_domain(domain("<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>"
                           "<mac address='52:54:00:00:00:02'/><source bridge='br1'/></interface>"))
            .guest.nics;
    REQUIRE(nics.size() == 1);
    CHECK(nics[0].mac == Mac::parse("52:54:00:00:00:01"));
    CHECK(nics[0].bridge == "br0");
}

TEST_CASE("a MAC that is none is absent") {
    for (const std::string mac : {"", "x", "ff:ff:ff:ff:ff:ff", "52:54:00:00:00:01 ", "52:54:00:00:00"}) {
        const auto text = domain("<interface type='bridge'><mac address='" + mac + "'/></interface>");
        CHECK_FALSE(read_domain(text).guest.nics.at(0).mac);
    }
}

TEST_CASE("elements in a namespace are not libvirt's") {
    const auto text =
        "<domain xmlns:o='urn:other'><o:name>no</o:name><name>yes</name><devices>"
        "<o:interface type='bridge'/><interface xmlns='urn:other' type='bridge'/>"
        "<interface type='bridge'><o:source bridge='br0'/></interface></devices></domain>";
    const auto guest = read_domain(text).guest;
    CHECK(guest.name == "yes");
    REQUIRE(guest.nics.size() == 1);
    CHECK(guest.nics[0].bridge.empty());
    CHECK_THROWS_AS(read_domain("<domain xmlns='urn:other'/>"), InputError);
}

TEST_CASE("an unbound prefix is a plain name, as it is for libvirt") {
    CHECK(read_domain("<domain><foo:bar/><name>web</name></domain>").guest.name == "web");
}

TEST_CASE("a request is read under any prefix") {
    for (const std::string request :
         {"<request xmlns='urn:failover-ip:request:1' pool='public' hostname='Mail.example.com' addresses='2' "
          "enabled='no'/>",
          "<f:request xmlns:f='urn:failover-ip:request:1' enabled='no' pool='public' hostname='Mail.example.com' "
          "addresses='2' xmlns:o='urn:o' o:note='x'></f:request>"}) {
        const auto guest = read_domain(domain("", request)).guest;
        CHECK(guest.problem.empty());
        CHECK(guest.request == Request{"public", "Mail.example.com", 2, false});
    }
    CHECK(read_domain(domain("", "<request xmlns='urn:failover-ip:request:1'/>")).guest.request == Request{});
}

TEST_CASE("a request elsewhere or in another namespace is none") {
    CHECK_FALSE(read_domain(domain("", "<request pool='x'/>")).guest.request);
    CHECK_FALSE(read_domain(domain("", "<request xmlns='urn:failover-ip:request:2' pool='x'/>")).guest.request);
    CHECK_FALSE(read_domain(domain("", "<a><request xmlns='urn:failover-ip:request:1'/></a>")).guest.request);
    CHECK_FALSE(read_domain(domain("<request xmlns='urn:failover-ip:request:1'/>")).guest.request);
    const auto second = "<domain><metadata/><metadata><request xmlns='urn:failover-ip:request:1'/></metadata></domain>";
    CHECK_FALSE(read_domain(second).guest.request);
}

TEST_CASE("a wrong request is a problem that names the attribute and what was expected") {
    CHECK(problem_of("pool='public'").empty());
    CHECK(problem_of("addresses='x'") == "request: addresses=\"x\": expected a whole number from 1 to 256");
    for (const std::string wrong : {"", "0", "-1", "257", "1.5", "2 ", "+2", "99999999999999999999"}) {
        CHECK_THAT(problem_of("addresses='" + wrong + "'"), Catch::StartsWith("request: addresses="));
    }
    CHECK(problem_of("enabled='maybe'") == "request: enabled=\"maybe\": expected yes or no");
    CHECK(problem_of("adresses='2'") ==
          "request: unknown attribute adresses: expected pool, hostname, addresses or enabled");
    CHECK(problem_of("hostname='a b.example.com'") ==
          "request: hostname=\"a b.example.com\": expected a DNS name like mail.example.com");
    CHECK_THAT(problem_of("hostname='" + std::string(254, 'a') + "'"), Catch::StartsWith("request: hostname=\"aaa"));
    CHECK_THAT(problem_of("pool=''"), Catch::StartsWith("request: pool="));
    CHECK_THAT(problem_of("pool='" + std::string(10'000, 'p') + "'").size() < 200 ? "short" : "long",
               Catch::Equals("short"));
    CHECK_THAT(problem_of("xmlns:f='urn:failover-ip:request:1' f:pool='x'"),
               Catch::Contains("unknown attribute f:pool"));
    CHECK(problem_of("pool='x'/><request xmlns='urn:failover-ip:request:1'") ==
          "request: there are two: expected one for all interfaces");
    CHECK(read_domain(domain("", "<reqest xmlns='urn:failover-ip:request:1'/>")).guest.problem ==
          "request: unknown element <reqest>: expected <request>");
}

TEST_CASE("what is right in a wrong request counts") {
    const auto guest =
        read_domain(domain("", "<request xmlns='urn:failover-ip:request:1' addresses='x' enabled='no'/>")).guest;
    CHECK_FALSE(guest.problem.empty());
    REQUIRE(guest.request);
    CHECK_FALSE(guest.request->is_enabled);
}

TEST_CASE("a message is one printable line") {
    const auto problem = problem_of("enabled='a&#10;b&#9;\xC3\xA4'");
    CHECK(problem == "request: enabled=\"ab\xC3\xA4\": expected yes or no");
}

TEST_CASE("lease records are read, and those that make no sense are skipped") {
    const auto guest = read_domain(domain("", R"(
    <lease xmlns="urn:failover-ip:lease:1">
      <nic mac="52:54:00:0a:0b:0c" pool="public" hostname="mail.example.com">
        <address gateway="62.210.0.1" prefix="32">203.0.113.5</address>
        <address prefix="128">2001:db8::5</address>
        <address>nonsense</address>
      </nic>
      <nic mac="broken"><address>203.0.113.6</address></nic>
      <nic mac="52:54:00:0a:0b:0d" pool="second"/>
      <nic xmlns="urn:other" mac="52:54:00:0a:0b:0e"/>
    </lease>)"))
                           .guest;
    REQUIRE(guest.records.size() == 2);
    const NicRecord::Place v4{Address::parse("203.0.113.5"), Address::parse("62.210.0.1")};
    const NicRecord::Place v6{Address::parse("2001:db8::5"), std::nullopt};
    CHECK(guest.records[0] == NicRecord{Mac::parse("52:54:00:0a:0b:0c"), "public", "mail.example.com", {v4, v6}});
    CHECK(guest.records[1] == NicRecord{Mac::parse("52:54:00:0a:0b:0d"), "second", "", {}});
    CHECK(guest.problem.empty());
}

TEST_CASE("the first look is false only where no bridge can be named") {
    const std::vector<std::string> bridges{"br0", "vmbr1"};
    CHECK(names_any(domain("<interface type='bridge'><source bridge='br0'/></interface>"), bridges));
    CHECK(names_any(domain("<interface type='bridge'><source bridge=\"vmbr1\"/></interface>"), bridges));
    CHECK_FALSE(names_any(domain("<interface type='bridge'><source bridge='br1'/></interface>"), bridges));
    CHECK_FALSE(names_any(domain("<interface type='bridge'><source bridge='br0'/></interface>"), {}));
    CHECK(names_any(domain("<interface type='bridge'><source bridge='b&#114;0'/></interface>"), bridges));
    CHECK(names_any("<!DOCTYPE domain [<!ENTITY b 'r0'>]><domain/>", bridges));
    CHECK(names_any("<?xml version='1.0' encoding='UTF-7'?><domain/>", bridges));
    CHECK_FALSE(names_any("<?xml version='1.0' encoding='utf-8'?><domain/>", bridges));
    CHECK(names_any(std::string{"<\0d\0", 4}, bridges));
    CHECK(names_any("<domain/>", std::vector<std::string>{""}));
}
