#include "domxml/edit_domain.hpp"
#include "core/errors.hpp"
#include "domxml/read_domain.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip;
using domxml::edit_domain;
using domxml::read_domain;

namespace {

const Mac mac = Mac::parse("52:54:00:0a:0b:0c");
const NicRecord record{
    mac, "public", "mail.example.com", {{Address::parse("203.0.113.5"), Address::parse("62.210.0.1")}}};

GuestEdit record_only() {
    return {{}, {record}};
}
GuestEdit mac_only() {
    return {{{0, mac}}, {}};
}
GuestEdit nothing() {
    return {};
}

const std::string plain = R"(<domain type='kvm'>
  <name>web</name>
  <devices>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:01'/>
      <source bridge='br0'/>
    </interface>
  </devices>
</domain>
)";

}  // namespace

TEST_CASE("MAC and lease are written, and nothing else moves") {
    const auto after = edit_domain(plain, {{{0, mac}}, {record}});
    CHECK(after == R"(<domain type="kvm">
  <name>web</name>
  <metadata>
    <lease xmlns="urn:failover-ip:lease:1">
      <nic mac="52:54:00:0a:0b:0c" pool="public" hostname="mail.example.com">
        <address gateway="62.210.0.1" prefix="32">203.0.113.5</address>
      </nic>
    </lease>
  </metadata>
  <devices>
    <interface type="bridge">
      <mac address="52:54:00:0a:0b:0c"/>
      <source bridge="br0"/>
    </interface>
  </devices>
</domain>
)");
    const auto guest = read_domain(after).guest;
    CHECK(guest.records == std::vector{record});
    CHECK(guest.nics.at(0).mac == mac);
}

TEST_CASE("several records and addresses are written as they are read") {
    const NicRecord second{
        Mac::parse("52:54:00:0a:0b:0d"),
        "second",
        "",
        {{Address::parse("203.0.113.6"), std::nullopt}, {Address::parse("2001:db8::6"), std::nullopt}}};
    const NicRecord empty{Mac::parse("52:54:00:0a:0b:0e"), "third", "", {}};
    const auto after = edit_domain(plain, {{}, {record, second, empty}});
    CHECK(read_domain(after).guest.records == std::vector{record, second, empty});
    CHECK(after.find(R"(<address prefix="128">2001:db8::6</address>)") != std::string::npos);
    CHECK(after.find(R"(pool="second">)") != std::string::npos);
}

TEST_CASE("editing twice is editing once") {
    const GuestEdit edit{{{0, mac}}, {record}};
    const auto once = edit_domain(plain, edit);
    CHECK(edit_domain(once, edit) == once);
}

TEST_CASE("what needs no change comes back byte for byte") {
    const std::string odd = "<?xml version='1.0'?>\r\n<domain  type = 'kvm' ><name\n>w&#x65;b</name></domain >\n\n";
    CHECK(edit_domain(odd, nothing()) == odd);
    const std::string same =
        "<domain><devices><interface><mac  address = '52:54:00:0A:0B:0C' /></interface></devices></domain>";
    CHECK(edit_domain(same, mac_only()) == same);
}

TEST_CASE("a lease that libvirt laid out anew is still the same lease") {
    const std::string reformatted = R"(<domain><metadata><f:lease xmlns:f="urn:failover-ip:lease:1"><f:nic
      hostname="mail.example.com" pool="public" mac="52:54:00:0a:0b:0c"><!-- hm -->
      <f:address prefix="32" gateway="62.210.0.1">203.0.113.5</f:address></f:nic></f:lease></metadata></domain>)";
    CHECK(edit_domain(reformatted, record_only()) == reformatted);
}

TEST_CASE("a lease that differs is replaced in its place") {
    const std::string head = "<domain>\n  <metadata>\n    <a xmlns=\"urn:a\"/>\n    ";
    const std::string tail = "\n    <b xmlns=\"urn:b\"/>\n  </metadata>\n</domain>\n";
    for (const std::string old :
         {"<lease xmlns='urn:failover-ip:lease:1'/>",
          "<lease xmlns='urn:failover-ip:lease:1' more='x'><nic mac='52:54:00:0a:0b:0c'/></lease>",
          "<lease xmlns='urn:failover-ip:lease:1'><nic mac='52:54:00:0a:0b:0c' pool='public' "
          "hostname='mail.example.com'>"
          "<address gateway='62.210.0.2' prefix='32'>203.0.113.5</address></nic></lease>",
          "<lease xmlns='urn:failover-ip:lease:1'><nic mac='52:54:00:0a:0b:0c' pool='public' "
          "hostname='mail.example.com' more='x'>"
          "<address gateway='62.210.0.1' prefix='32'>203.0.113.5</address></nic></lease>",
          "<lease xmlns='urn:failover-ip:lease:1'><nic mac='52:54:00:0a:0b:0c' pool='public' "
          "hostname='mail.example.com'>"
          "<address gateway='62.210.0.1' prefix='32'>203.0.113.50</address></nic></lease>",
          "<lease xmlns='urn:failover-ip:lease:1'><nic mac='52:54:00:0a:0b:0c' pool='public' "
          "hostname='mail.example.com'>"
          "<address gateway='62.210.0.1' prefix='32'>203.0.113.5</address></nic>more</lease>",
          "<x:lease xmlns:x='urn:failover-ip:lease:1'/>\n    <lease xmlns='urn:failover-ip:lease:1'/>"}) {
        const auto after = edit_domain(head + old + tail, record_only());
        CHECK(after == head + R"(<lease xmlns="urn:failover-ip:lease:1">
      <nic mac="52:54:00:0a:0b:0c" pool="public" hostname="mail.example.com">
        <address gateway="62.210.0.1" prefix="32">203.0.113.5</address>
      </nic>
    </lease>)" + tail);
        CHECK(read_domain(after).guest.records == std::vector{record});
    }
}

TEST_CASE("of several leases one stays") {
    const auto once = edit_domain(plain, record_only());
    const auto at = once.find("    </lease>") + 12;
    const auto twice = once.substr(0, at) + "\n    <lease xmlns=\"urn:failover-ip:lease:1\"/>" + once.substr(at);
    CHECK(edit_domain(twice, record_only()) == once);
}

TEST_CASE("taking the lease away leaves everything of others") {
    for (const std::string metadata :
         {"<metadata/>", "<metadata>\n  </metadata>", "<metadata><a xmlns=\"urn:a\"/></metadata>",
          "<metadata>\n    <a xmlns=\"urn:a\"/>\n  </metadata>", "<metadata>\n    <!-- note -->\n  </metadata>",
          "<metadata>words</metadata>",
          "<metadata>\n    <?pi x?>\n\n\n    <a xmlns=\"urn:a\"/> words <![CDATA[<x>]]></metadata>",
          "<metadata>\n<request xmlns=\"urn:failover-ip:request:1\" pool=\"p\"/></metadata>", "<metadata x=\"y\"/>",
          ""}) {
        const auto before = "<domain>\n  <name>web</name>\n  " + metadata + "\n  <vcpu>1</vcpu>\n</domain>\n";
        const auto with = edit_domain(before, record_only());
        INFO(with);
        CHECK(with != before);
        CHECK(read_domain(with).guest.records == std::vector{record});
        CHECK(edit_domain(with, record_only()) == with);
        CHECK(edit_domain(with, nothing()) == before);
    }
}

TEST_CASE("metadata comes where libvirt has it") {
    const auto after = edit_domain(
        "<domain><name>a</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><title>t</title><description>d</"
        "description>"
        "<memory>1</memory><os/></domain>",
        record_only());
    CHECK(after.find("</description><metadata>") != std::string::npos);
    CHECK(after.find("</metadata><memory>") != std::string::npos);
    CHECK(edit_domain("<domain><os/><name>a</name></domain>", record_only()).find("</name><metadata>") !=
          std::string::npos);
    CHECK(edit_domain("<domain><os/></domain>", record_only()).find("<domain><metadata>") == 0);
    CHECK(read_domain(edit_domain("<domain/>", record_only())).guest.records == std::vector{record});
}

TEST_CASE("an interface without a MAC gets one as its first child") {
    const auto edited = [](const std::string& interface) {
        const auto after = edit_domain("<domain><devices>" + interface + "</devices></domain>", mac_only());
        const auto begin = after.find("<interface");
        return after.substr(begin, after.find("</devices>") - begin);
    };
    const std::string element = R"(<mac address="52:54:00:0a:0b:0c"/>)";
    CHECK(edited("<interface/>") == "<interface>" + element + "</interface>");
    CHECK(edited("<interface><source/></interface>") == "<interface>" + element + "<source/></interface>");
    CHECK(edited("<interface>\n  <source/>\n</interface>") ==
          "<interface>\n  " + element + "\n  <source/>\n</interface>");
    CHECK(edited("<interface><mac/></interface>") == "<interface>" + element + "</interface>");
    CHECK(edited("<interface><mac type=\"static\" address=\"x\"/></interface>") ==
          "<interface><mac type=\"static\" address=\"52:54:00:0a:0b:0c\"/></interface>");
}

TEST_CASE("interfaces are counted as the reader counts them") {
    const std::string two =
        "<domain><devices><interface/><x><interface/></x></devices><devices><interface xmlns=\"urn:o\"/>"
        "<interface/></devices></domain>";
    const auto nics = read_domain(edit_domain(two, {{{1, mac}}, {}})).guest.nics;
    REQUIRE(nics.size() == 2);
    CHECK_FALSE(nics[0].mac);
    CHECK(nics[1].mac == mac);
    CHECK_THROWS_AS(edit_domain(two, (GuestEdit{{{2, mac}}, {}})), InputError);
}

TEST_CASE("the text keeps its declaration, encoding and special characters") {
    const std::string latin =
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<domain><name>gr\xFCn</name></domain>\n";
    const auto after = edit_domain(latin, record_only());
    CHECK(after.starts_with("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"));
    CHECK(after.find("<name>gr\xFCn</name>") != std::string::npos);

    const std::string bare =
        "<domain><name>gr\xC3\xBCn&#10;&#13;\xF0\x9F\x98\x80 {} \"'&amp;</name><a b=\"&#10;&#9;&quot;'\"/></domain>\n";
    const auto utf8 = edit_domain(bare, record_only());
    CHECK(utf8.starts_with("<domain>"));
    CHECK(utf8.find("gr\xC3\xBCn") != std::string::npos);
    CHECK(read_domain(utf8).guest.name == read_domain(bare).guest.name);
    CHECK(edit_domain(utf8, nothing()).find("b=\"&#10;&#9;&quot;'\"") != std::string::npos);
}

TEST_CASE("comments, instructions and CDATA stay, also outside the domain") {
    const std::string before =
        "<?a b?>\n<!-- first -->\n<domain><!-- c --><?p i?><name><![CDATA[<&>]]></name></domain>\n<!-- last -->\n";
    const auto after = edit_domain(before, record_only());
    for (const std::string part :
         {"<?a b?>", "<!-- first -->", "<!-- c -->", "<?p i?>", "<![CDATA[<&>]]>", "<!-- last -->"}) {
        CHECK(after.find(part) != std::string::npos);
    }
    CHECK(edit_domain(after, nothing()) == before);
}

TEST_CASE("an unbound prefix survives") {
    const std::string before = "<domain><foo:bar baz:x=\"1\"/></domain>\n";
    const auto after = edit_domain(before, record_only());
    CHECK(after.find("<foo:bar baz:x=\"1\"/>") != std::string::npos);
}

TEST_CASE("record text that XML cannot hold is refused, everything else is escaped") {
    auto odd = record;
    odd.pool = "a<b>&\"'{}";
    CHECK(read_domain(edit_domain(plain, {{}, {odd}})).guest.records == std::vector{odd});
    for (const auto& wrong : {std::string{"a\nb"}, std::string{"a\0b", 3}, std::string{"\x01"}, std::string{"\xFF"}}) {
        odd.hostname = wrong;
        CHECK_THROWS_AS(edit_domain(plain, (GuestEdit{{}, {odd}})), InputError);
    }
}
