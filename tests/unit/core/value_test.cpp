#include "core/address.hpp"
#include "core/errors.hpp"
#include "core/lease.hpp"
#include "core/mac.hpp"
#include "core/time.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace fip;
using namespace std::chrono_literals;

TEST_CASE("an address is its canonical text and back") {
    CHECK(Address::parse("203.0.113.5").text() == "203.0.113.5");
    CHECK(Address::parse("2001:DB8:0:0:0:0:0:5").text() == "2001:db8::5");
    CHECK(Address::parse("2001:db8::5").dashed() == "2001-db8--5");
    CHECK(Address::parse("203.0.113.5").bits() == 32);
    CHECK(Address::parse("::").bits() == 128);
}

TEST_CASE("what is not exactly an address is refused") {
    const auto text =
        GENERATE(as<std::string>{}, "", " ", "203.0.113.5 ", " 203.0.113.5", "203.0.113.5/32", "203.0.113",
                 "203.0.113.256", "203.0.113.05", "203.0.113.5.6", "203,0.113.5", "0x7f.0.0.1", "1", "2001:db8::5%eth0",
                 "2001:db8:::5", "[2001:db8::5]", "203.0.113.5\n", "localhost", std::string("203.0.113.5\0", 12),
                 std::string("203.0.113.5\0x", 13), std::string(100'000, '1'), "\xff\xfe");
    CAPTURE(text.substr(0, 40));
    CHECK_THROWS_AS(Address::parse(text), InputError);
    CHECK_FALSE(Address::try_parse(text));
}

TEST_CASE("addresses sort by value, IPv4 first, and the next one follows") {
    CHECK(Address::parse("9.0.0.1") < Address::parse("10.0.0.1"));
    CHECK(Address::parse("255.255.255.255") < Address::parse("::"));
    CHECK(Address::parse("203.0.113.255").next() == Address::parse("203.0.114.0"));
    CHECK_FALSE(Address::parse("255.255.255.255").next());
    CHECK_FALSE(Address::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").next());
}

TEST_CASE("a prefix knows what it holds") {
    const auto prefix = Prefix::parse("203.0.113.16/28");
    CHECK(prefix.contains(Address::parse("203.0.113.16")));
    CHECK(prefix.contains(Address::parse("203.0.113.31")));
    CHECK_FALSE(prefix.contains(Address::parse("203.0.113.32")));
    CHECK_FALSE(prefix.contains(Address::parse("203.0.113.15")));
    CHECK_FALSE(prefix.contains(Address::parse("2001:db8::1")));
    CHECK(Prefix::parse("0.0.0.0/0").contains(Address::parse("255.255.255.255")));
    CHECK(prefix.overlaps(Prefix::parse("203.0.113.0/24")));
    CHECK(prefix.overlaps(Prefix::parse("203.0.113.20")));
    CHECK_FALSE(prefix.overlaps(Prefix::parse("203.0.113.32/28")));
    CHECK(Prefix::parse("203.0.113.5").text() == "203.0.113.5/32");
    CHECK(Prefix::parse("2001:db8::/32").text() == "2001:db8::/32");
}

TEST_CASE("what is not exactly a prefix is refused") {
    const auto text = GENERATE(as<std::string>{}, "", "/24", "203.0.113.0/", "203.0.113.0/33", "203.0.113.0/-1",
                               "203.0.113.0/+1", "203.0.113.0/24 ", "203.0.113.0/24/1", "203.0.113.1/24",
                               "2001:db8::1/64", "2001:db8::/129", "203.0.113.0/99999999999", "203.0.113.0/0x18");
    CAPTURE(text);
    CHECK_THROWS_AS(Prefix::parse(text), InputError);
}

TEST_CASE("a MAC is lower case with colons, unicast and not zero") {
    CHECK(Mac::parse("52:54:00:AB:cd:0F").text() == "52:54:00:ab:cd:0f");
    CHECK(Mac::local(0x0102030405060708).bytes()[0] == 0x02);
    CHECK(Mac::local(1U << 8U) != Mac::local(2U << 8U));
    const auto text = GENERATE(as<std::string>{}, "", "52:54:00:ab:cd", "52:54:00:ab:cd:0f:", "52-54-00-ab-cd-0f",
                               "52:54:00:ab:cd:0g", "52:54:00:ab:cd:0f ", "00:00:00:00:00:00", "01:00:5e:00:00:01",
                               "ff:ff:ff:ff:ff:ff", "525400abcd0f", "52:54:00:ab:cd:+f",
                               std::string("52:54:00:ab:cd:0\0", 17), "5254.00ab.cd0f....");
    CAPTURE(text);
    CHECK_THROWS_AS(Mac::parse(text), InputError);
}

TEST_CASE("a duration is a number and one unit") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("0s") == 0s);
    CHECK(parse_duration("5s") == 5s);
    CHECK(parse_duration("10m") == 10min);
    CHECK(parse_duration("2h") == 2h);
    CHECK(parse_duration("365d") == 365 * 24h);
    const auto text =
        GENERATE(as<std::string>{}, "", "5", "s", "-5s", "-0s", "+5s", "5 s", " 5s", "5s ", "5sec", "1.5s", "366d",
                 "99999999999999999999s", "9223372036854775807d", "5S", std::string("5s\0", 3));
    CAPTURE(text);
    CHECK_THROWS_AS(parse_duration(text), InputError);
}

TEST_CASE("times are written in RFC 3339, UTC, whole seconds") {
    CHECK(rfc3339(WallTime{}) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(WallTime{1'714'979'289'999ms}) == "2024-05-06T07:08:09Z");
    CHECK(rfc3339(WallTime{-1ms}) == "1969-12-31T23:59:59Z");
    CHECK(rfc3339(WallTime{4'107'542'400s}) == "2100-03-01T00:00:00Z");
}

TEST_CASE("names of states are read back, and nothing else is") {
    for (const auto state : {LeaseState::warming, LeaseState::warm, LeaseState::pending, LeaseState::active,
                             LeaseState::releasing, LeaseState::cooling, LeaseState::away}) {
        CHECK(lease_state(name_of(state)) == state);
    }
    for (const auto state :
         {RdnsState::none, RdnsState::pending, RdnsState::set, RdnsState::failed, RdnsState::clearing}) {
        CHECK(rdns_state(name_of(state)) == state);
    }
    for (const auto value : {Stay::here, Stay::left, Stay::arriving}) CHECK(stay(name_of(value)) == value);
    for (const auto kind : {GuestKind::libvirt, GuestKind::proxmox}) CHECK(guest_kind(name_of(kind)) == kind);
    CHECK_THROWS_AS(lease_state("actives"), InputError);
    CHECK_THROWS_AS(rdns_state(""), InputError);
    CHECK_THROWS_AS(stay("Here"), InputError);
    CHECK_THROWS_AS(guest_kind("xen"), InputError);
}

TEST_CASE("a wish for a reverse name says what is to be done about it") {
    Lease lease;
    const WallTime now{100s};
    wish_hostname(lease, "a.example.com", true, now);
    CHECK(lease.rdns == RdnsState::pending);
    CHECK(lease.rdns_tries == 0);
    CHECK(lease.rdns_due == now);
    lease.rdns = RdnsState::set;
    SECTION("the same name: nothing") {
        const auto before = lease;
        wish_hostname(lease, "a.example.com", true, now + 1h);
        CHECK(lease == before);
    }
    SECTION("none any more: the old one is kept until it is taken back") {
        wish_hostname(lease, "", true, now);
        CHECK(lease.rdns == RdnsState::clearing);
        CHECK(lease.hostname == "a.example.com");
        wish_hostname(lease, "", true, now + 1h);
        CHECK(lease.rdns_due == now);
        wish_hostname(lease, "a.example.com", true, now);
        CHECK(lease.rdns == RdnsState::pending);
    }
    SECTION("another: the old one is on record as tried") {
        wish_hostname(lease, "b.example.com", true, now);
        CHECK(lease.rdns == RdnsState::pending);
        CHECK(lease.rdns_tries == 1);
    }
    SECTION("a provider without reverse names") {
        Lease other;
        wish_hostname(other, "a.example.com", false, now);
        CHECK(other.rdns == RdnsState::none);
        CHECK(other.hostname == "a.example.com");
    }
}
