#include "core/errors.hpp"
#include "domxml/edit_domain.hpp"
#include "domxml/read_domain.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>

using namespace fip;
using domxml::edit_domain;
using domxml::read_domain;

namespace {

/// Processor time: what else the machine does, does not count.
double seconds_since(std::clock_t begin) {
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

const std::string sample = R"(<?xml version="1.0" encoding="UTF-8"?>
<domain type='kvm'>
  <name>web</name>
  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <metadata><request xmlns='urn:failover-ip:request:1' pool='public'/></metadata>
  <devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface></devices>
</domain>)";

GuestEdit some_edit() {
    const auto mac = Mac::parse("02:00:00:00:00:05");
    return {{{0, mac}}, {{mac, "public", "", {{Address::parse("203.0.113.5"), std::nullopt}}}}};
}

/// Both programs that read foreign text refuse it.
void refused(const std::string& xml) {
    CHECK_THROWS_AS(read_domain(xml), InputError);
    CHECK_THROWS_AS(edit_domain(xml, some_edit()), InputError);
}

std::string repeat(const std::string& text, std::size_t times) {
    std::string result;
    for (std::size_t i = 0; i < times; ++i) result += text;
    return result;
}

}  // namespace

TEST_CASE("a text cut anywhere is refused") {
    CHECK_NOTHROW(read_domain(sample));
    for (std::size_t size = 0; size < sample.size(); ++size) {
        INFO(size);
        refused(sample.substr(0, size));
    }
}

TEST_CASE("a text is read to its last character") {
    CHECK_NOTHROW(read_domain(sample + "\n<!-- end -->\n"));
    for (const std::string junk : {"x", "<domain/>", "</domain>", "&amp;", "<", "\xFF"}) refused(sample + junk);
    refused(sample + std::string(1, '\0'));
    refused(std::string(1, '\0') + sample);
    refused("");
    refused(" ");
}

TEST_CASE("a DTD is refused, whatever is in it") {
    const std::string body = "<domain><name>&a;</name></domain>";
    refused("<!DOCTYPE domain><domain/>");
    refused("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>");
    refused("<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + body);
    refused("<!DOCTYPE domain [<!ENTITY % p SYSTEM 'http://192.0.2.1/x'> %p;]>" + body);
    refused("<!DOCTYPE domain [<!ENTITY a 'x'>]>" + body);
    refused(body);  // an entity that nobody declared
    refused("<domain><name a='&a;'/></domain>");
}

TEST_CASE("bombs of entities do not go off") {
    std::string laughs = "<!DOCTYPE domain [<!ENTITY a0 'ha'>";
    for (int i = 1; i < 30; ++i) {
        laughs += "<!ENTITY a" + std::to_string(i) + " '" + repeat("&a" + std::to_string(i - 1) + ";", 10) + "'>";
    }
    const auto begin = std::clock();
    refused(laughs + "]><domain><name>&a29;</name></domain>");
    refused(laughs + "]><domain><name a='&a29;'/></domain>");
    refused("<!DOCTYPE domain [<!ENTITY a '" + std::string(100'000, 'x') + "'>]><domain><name>" +
            repeat("&a;", 100'000) + "</name></domain>");
    CHECK(seconds_since(begin) < 2);
}

TEST_CASE("size, depth and number of interfaces are limited") {
    refused("<domain><name>" + std::string(10'000'000, 'x') + "</name></domain>");
    refused("<domain>" + repeat("<a>", 100'000) + repeat("</a>", 100'000) + "</domain>");
    refused("<domain>" + repeat("<a>", 64) + repeat("</a>", 64) + "</domain>");
    CHECK_NOTHROW(read_domain("<domain>" + repeat("<a>", 63) + repeat("</a>", 63) + "</domain>"));
    refused("<domain><devices>" + repeat("<interface type='user'/>", 1001) + "</devices></domain>");
    const auto many = "<domain><devices>" + repeat("<interface type='user'/>", 1000) + "</devices></domain>";
    CHECK(read_domain(many).guest.nics.size() == 1000);
}

TEST_CASE("large but legal texts take a moment only") {
    const auto begin = std::clock();
    const auto wide = "<domain>" + repeat("<a b='c'/>", 300'000) + "<devices><interface/></devices></domain>";
    CHECK(read_domain(wide).guest.nics.size() == 1);
    std::string attributes;
    for (int i = 0; i < 20'000; ++i) attributes += " a" + std::to_string(i) + "='x'";
    CHECK_NOTHROW(read_domain("<domain><a" + attributes + "/></domain>"));
    CHECK_NOTHROW(read_domain("<domain><metadata><request xmlns='urn:failover-ip:request:1'" + attributes +
                              "/></metadata></domain>"));
    CHECK(seconds_since(begin) < 10);
}

TEST_CASE("the number of namespace prefixes in scope is limited") {
    const auto with_prefixes = [](int count) {
        std::string prefixes;
        for (int i = 0; i < count; ++i) prefixes += " xmlns:a" + std::to_string(i) + "='u'";
        return "<domain" + prefixes + "><metadata>" + repeat("<a0:b/>", 20'000) + "</metadata></domain>";
    };
    const auto begin = std::clock();
    refused(with_prefixes(257));
    refused(with_prefixes(50'000));
    CHECK_NOTHROW(read_domain(with_prefixes(256)));
    CHECK(seconds_since(begin) < 10);
}

TEST_CASE("other encodings are decoded or refused, never misread") {
    CHECK(read_domain("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>gr\xFCn</name></domain>").guest.name ==
          "gr\xC3\xBCn");
    refused("<domain><name>gr\xFCn</name></domain>");
    refused("<?xml version='1.0' encoding='UTF-16'?><domain/>");
    refused("<?xml version='1.0' encoding='UTF-7'?><domain/>");
    refused("<?xml version='1.0' encoding='no-such'?><domain/>");
    std::string utf16 = "\xFF\xFE";
    for (const char c : std::string{"<domain/>"}) utf16 += std::string{c} + '\0';
    refused(utf16);
    refused("<domain><name>\xC0\x80</name></domain>");
    refused("<domain><name>\xED\xA0\x80</name></domain>");
}

TEST_CASE("what is not a domain is refused") {
    refused("<network/>");
    refused("<domains/>");
    refused("<o:domain xmlns:o='urn:o'/>");
    refused("not XML at all");
    refused("<domain a='1' a='2'/>");
    refused("<domain><name></domain></name>");
    refused("<domain>&#0;</domain>");
    refused("<domain>&#1;</domain>");
    refused("<domain>\x01</domain>");
}

TEST_CASE("a message about hostile text is one line without its control characters") {
    try {
        (void)read_domain("<domain><uuid>a&#10;b&#27;[31m" + std::string(1'000'000, 'x') + "</uuid></domain>");
        FAIL("accepted");
    } catch (const InputError& error) {
        const std::string what = error.what();
        CHECK(what.size() < 200);
        CHECK(what.find_first_of("\n\x1b") == std::string::npos);
    }
}
