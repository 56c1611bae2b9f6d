// The small parts of the providers: token, endpoint, traits, the provider without an API, open().
#include "core/errors.hpp"
#include "providers/endpoint.hpp"
#include "providers/manual.hpp"
#include "providers/open.hpp"
#include "providers/token.hpp"
#include "providers/traits.hpp"

#include <catch2/catch.hpp>

#include <functional>

using namespace fip;
using namespace fip::providers;

namespace {

const std::string secret = "abcdefgh-IJKLMNOP-01234567";

std::string complaint(const std::function<void()>& call) {
    try {
        call();
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a token is one printable line") {
    CHECK_NOTHROW(Token{"x"});
    CHECK_NOTHROW(Token{std::string(4096, 'x')});
    for (const auto& bad : {std::string{}, std::string{"a b"}, std::string{"secretive\n"}, std::string{"a\r\nX: y"},
                            std::string{"a\0b", 3}, std::string{"t\xc3\xb6ken"}, std::string(4097, 'x')}) {
        const auto text = complaint([&] { const Token token{bad}; });
        CHECK_FALSE(text.empty());
        CHECK((bad.size() < 3 || text.find(bad) == std::string::npos));
    }
}

TEST_CASE("quoted words hold no part of the token") {
    const Token token{secret};
    CHECK(token.quote("plain words") == "plain words");
    CHECK(token.quote("x " + secret + " y") == "x [token] y");
    CHECK(token.quote("abcdefgh") == "[token]");
    CHECK(token.quote("ABCDEFGH-ijkl") == "[token]");
    CHECK(token.quote("abcdefg") == "abcdefg");  // too short to tell anything
    CHECK(token.quote("tail 01234567 and head abcdefgh-I") == "tail [token] and head [token]");
    CHECK(token.quote(secret + secret) == "[token][token]");
    const auto at_the_border = std::string(195, '.') + secret;
    CHECK(token.quote(at_the_border).find("abcdefgh") == std::string::npos);
    CHECK(token.quote(at_the_border).size() <= 200);
    CHECK(Token{"ab"}.quote("xaby") == "x[token]y");
}

TEST_CASE("quoted words are one printable line of at most 200 characters") {
    const Token token{secret};
    CHECK(token.quote("a\n\r\tb") == "a b");
    CHECK(token.quote("a\x1b[31mb") == "a?[31mb");
    CHECK(token.quote(std::string{"a\0b", 3}) == "a?b");
    CHECK(token.quote("\xc3\xa9t\xc3\xa9") == "?t?");
    CHECK(token.quote("  x  ") == "x");
    CHECK(token.quote("").empty());
    CHECK(token.quote(std::string(8000000, 'w')).size() == 200);
    CHECK(token.quote(std::string(200, 'w')) == std::string(200, 'w'));
}

TEST_CASE("endpoints are https, or http to this machine") {
    CHECK(check_endpoint("https://api.online.net/api/v1") == "https://api.online.net/api/v1");
    CHECK(check_endpoint("https://api.example.com/api/v1//") == "https://api.example.com/api/v1");
    CHECK(check_endpoint("https://api.example.com") == "https://api.example.com");
    CHECK(check_endpoint("https://192.0.2.1:8443/x") == "https://192.0.2.1:8443/x");
    CHECK(check_endpoint("https://[2001:db8::1]:8443/x") == "https://[2001:db8::1]:8443/x");
    CHECK(check_endpoint("http://127.0.0.1:8080/api/v1") == "http://127.0.0.1:8080/api/v1");
    CHECK(check_endpoint("http://127.9.9.9/") == "http://127.9.9.9");
    CHECK(check_endpoint("http://[::1]:8080/api/v1") == "http://[::1]:8080/api/v1");
    CHECK(check_endpoint("http://localhost:8080") == "http://localhost:8080");
    for (const auto* bad : {"",
                            "api.example.com",
                            "ftp://api.example.com",
                            "HTTPS://api.example.com",
                            "https://",
                            "https:///x",
                            "http://api.example.com",
                            "http://192.0.2.1/",
                            "http://127.0.0.1.example.com/",
                            "http://127.1/",
                            "http://2130706433/",
                            "http://0x7f.0.0.1/",
                            "http://127.0.0.1@api.example.com/",
                            "http://localhost.example.com",
                            "http://LOCALHOST/",
                            "http://[::2]/",
                            "http://[::ffff:127.0.0.1]/",
                            "http://0.0.0.0/",
                            "http://[::1",
                            "https://user:pw@api.example.com/",
                            "https://api.example.com/?x=1",
                            "https://api.example.com/#x",
                            "https://api.example.com:0/",
                            "https://api.example.com:99999/",
                            "https://api.example.com:/",
                            "https://api.example.com:8x/",
                            "https://api.example.com/a b",
                            "https://api.example.com/a\nb",
                            "https://api.example.com/../x",
                            "https://api.example.com\\x",
                            "https://[127.0.0.1]/",
                            "https://[fe80::1%eth0]/",
                            "file:///etc/passwd",
                            "https://ex%61mple.com/"}) {
        INFO(bad);
        CHECK_THROWS_AS(check_endpoint(bad), InputError);
    }
    CHECK_THROWS_AS(check_endpoint("https://" + std::string(5000, 'a')), InputError);
}

TEST_CASE("traits say what a type can do, and an unknown type names the known ones") {
    const auto online = traits_of("online");
    CHECK(online.has_api);
    CHECK(online.has_rdns);
    CHECK(online.gateway == Address::parse("62.210.0.1"));
    CHECK(online.prefix == 32);
    CHECK(default_endpoint("online") == "https://api.online.net/api/v1");
    const auto manual = traits_of("manual");
    CHECK_FALSE(manual.has_api);
    CHECK_FALSE(manual.has_rdns);
    CHECK_FALSE(manual.gateway);
    const auto text = complaint([] { static_cast<void>(traits_of("onlin")); });
    for (const auto& name : known_types()) CHECK(text.find(name) != std::string::npos);
    CHECK_THROWS_AS(traits_of(""), InputError);
}

TEST_CASE("without an API the configuration is the inventory, all of it here") {
    ProviderSettings settings;
    settings.name = "byhand";
    settings.type = "manual";
    settings.server = "hv1";
    settings.fixed = {{Address::parse("192.0.2.9"), Mac::parse("02:00:00:00:00:09")},
                      {Address::parse("192.0.2.5"), std::nullopt}};
    settings.ranges = {Prefix::parse("192.0.2.8/30"), Prefix::parse("2001:db8::8/126")};
    const auto all = manual_addresses(settings);
    REQUIRE(all.size() == 9);
    CHECK(all[0].address == Address::parse("192.0.2.5"));
    CHECK(all[1].address == Address::parse("192.0.2.8"));
    CHECK(all[2].address == Address::parse("192.0.2.9"));
    CHECK(all[2].mac == Mac::parse("02:00:00:00:00:09"));
    CHECK(all[8].address == Address::parse("2001:db8::b"));
    for (const auto& entry : all) CHECK(entry.server == "hv1");
    for (const auto& entry : all) CHECK_FALSE(entry.reverse);
}

TEST_CASE("an inventory that contradicts itself is a mistake") {
    ProviderSettings settings;
    settings.name = "byhand";
    settings.fixed = {{Address::parse("192.0.2.5"), std::nullopt}, {Address::parse("192.0.2.5"), std::nullopt}};
    CHECK_THROWS_AS(manual_addresses(settings), InputError);
    const auto mac = Mac::parse("02:00:00:00:00:09");
    settings.fixed = {{Address::parse("192.0.2.5"), mac}, {Address::parse("192.0.2.6"), mac}};
    CHECK_THROWS_AS(manual_addresses(settings), InputError);
    settings.fixed.clear();
    settings.ranges = {Prefix::parse("2001:db8::/64")};
    CHECK_THROWS_AS(manual_addresses(settings), InputError);
    settings.ranges = {Prefix::parse("255.255.255.254/31")};
    CHECK(manual_addresses(settings).size() == 2);  // ends at the last address of all
}

TEST_CASE("open gives what the provider can do and nothing else") {
    ProviderSettings settings;
    settings.name = "p";
    settings.type = "manual";
    settings.fixed = {{Address::parse("192.0.2.5"), std::nullopt}};
    const auto manual = providers::open(settings, {});
    CHECK_FALSE(manual.api);
    CHECK_FALSE(manual.rdns);
    CHECK(manual.fixed.size() == 1);
    CHECK(manual.server_key().empty());

    settings = {};
    settings.name = "p";
    settings.type = "online";
    settings.server = "192.0.2.10";
    const auto online = providers::open(settings, {secret, "11111"});
    CHECK(online.api);
    CHECK(online.rdns);
    CHECK(online.fixed.empty());
    CHECK(online.server_key() == "11111");
    CHECK(online.traits.gateway);
}

TEST_CASE("open names the provider and what is wrong") {
    ProviderSettings settings;
    settings.name = "dedibox";
    settings.type = "hetzner";
    settings.server = "192.0.2.10";
    CHECK(complaint([&] { static_cast<void>(providers::open(settings, {secret})); }).find("online") !=
          std::string::npos);
    settings.type = "online";
    CHECK(complaint([&] { static_cast<void>(providers::open(settings, {""})); }).find("providers.dedibox") == 0);
    settings.endpoint = "http://api.example.com";
    CHECK(complaint([&] { static_cast<void>(providers::open(settings, {secret})); }).find("loopback") !=
          std::string::npos);
    settings.endpoint.clear();
    settings.server = "hv1";
    CHECK(complaint([&] { static_cast<void>(providers::open(settings, {secret})); }).find("server") !=
          std::string::npos);
}
