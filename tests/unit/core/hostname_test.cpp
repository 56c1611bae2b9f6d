#include "core/hostname.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip;

namespace {

std::string expand(std::string_view text, std::string_view name = "web", GuestKind kind = GuestKind::libvirt) {
    return expand_hostname(text, {name,
                                  {kind, kind == GuestKind::libvirt ? "8E9A-01" : "101/8e9a-01"},
                                  Address::parse("203.0.113.5"),
                                  "hv1.example.net"});
}

}  // namespace

TEST_CASE("a template's placeholders are filled in") {
    CHECK(expand("{name}.vm.example.com") == "web.vm.example.com");
    CHECK(expand("{ip-dashed}.vm.example.com") == "203-0-113-5.vm.example.com");
    CHECK(expand("{uuid}.example.com") == "8e9a-01.example.com");
    CHECK(expand("{name}-{host}.example.com") == "web-hv1.example.com");
    CHECK(expand("{vmid}.example.com", "web", GuestKind::proxmox) == "101.example.com");
    CHECK(expand("MAIL.Example.COM.") == "mail.example.com");
}

TEST_CASE("what gives no DNS name gives none at all") {
    CHECK(expand("") == "");
    CHECK(expand("{name}") == "");
    CHECK(expand("{nme}.example.com") == "");
    CHECK(expand("{}.example.com") == "");
    CHECK(expand("{name.example.com") == "");
    CHECK(expand("{{name}}.example.com") == "");
    CHECK(expand("{name}..example.com") == "");
    CHECK(expand("a b.example.com") == "");
    CHECK(expand("-{name}.example.com") == "");
    CHECK(expand("{vmid}.example.com") == "");
    CHECK(expand("{uuid}.example.com", "web", GuestKind::proxmox) == "");
    CHECK(expand(std::string("a\0.example.com", 14)) == "");
    CHECK(expand("m\xc3\xa4il.example.com") == "");
    CHECK(expand("..") == "");
    CHECK(expand("{name}.example.com", "---") == "");
    CHECK(expand("{name}.example.com", "\xe7\x8c\xab") == "");
}

TEST_CASE("any guest's name makes one harmless label, or none") {
    CHECK(dns_label("Web Server_1") == "web-server-1");
    CHECK(dns_label("a{name}b") == "a-name-b");
    CHECK(dns_label("..a...b..") == "a-b");
    CHECK(dns_label("caf\xc3\xa9") == "caf");
    CHECK(dns_label("x\n$(id)\"'") == "x-id");
    CHECK(dns_label(std::string("a\0b", 3)) == "a-b");
    CHECK(dns_label("") == "");
    CHECK(dns_label("!!!") == "");
    CHECK(dns_label(std::string(10'000'000, 'a')).size() == 63);
    CHECK(dns_label(std::string(62, 'a') + "-b") == std::string(62, 'a'));
    CHECK(dns_label("vm101") == "vm101");
}

TEST_CASE("a DNS name has labels of 63 and 253 characters at most") {
    const std::string longest_label(63, 'a');
    CHECK(is_dns_name(longest_label + ".example"));
    CHECK_FALSE(is_dns_name(longest_label + "a.example"));
    std::string longest = longest_label + "." + longest_label + "." + longest_label + "." + std::string(61, 'a');
    CHECK(longest.size() == 253);
    CHECK(is_dns_name(longest));
    CHECK_FALSE(is_dns_name(longest + "a"));
    CHECK_FALSE(is_dns_name("host"));
    CHECK_FALSE(is_dns_name("a.example."));
    CHECK_FALSE(is_dns_name("A.example"));
    CHECK_FALSE(is_dns_name("a-.example"));
    CHECK_FALSE(is_dns_name(""));
}
