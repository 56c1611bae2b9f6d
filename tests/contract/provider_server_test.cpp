// What the adapter of the Online API asks, and how it finds out which server of the account is this one.
#include "core/errors.hpp"
#include "provider_scripted_http.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

constexpr std::chrono::milliseconds limit = std::chrono::seconds{5};

// No entry of the list says where our server is.
const std::string bare_list = R"([{"source":"203.0.113.5","destination":"192.0.2.10"},{"source":"203.0.113.6"}])";

std::vector<std::string> paths(const Script& script) {
    std::vector<std::string> result;
    for (const auto& request : script.requests) result.push_back(request.path);
    return result;
}

}  // namespace

TEST_CASE("the number is taken from an address that is routed here") {
    ScriptedOnline online;
    answer_well(*online.script);
    static_cast<void>(online.api.list(limit));
    CHECK(paths(*online.script) == std::vector<std::string>{"/server/failover", "/server/11111"});
    online.script->requests.clear();
    static_cast<void>(online.api.list(limit));
    CHECK(paths(*online.script) == std::vector<std::string>{"/server/failover", "/server/11111"});
}

TEST_CASE("else all servers are looked at until one has our address, once") {
    ScriptedOnline online;
    answer_well(*online.script);
    online.script->reply(failover_path, 200, bare_list);
    CHECK(online.api.list(limit).front().reverse == "vm5.example.com");
    CHECK(paths(*online.script) ==
          std::vector<std::string>{"/server/failover", "/server", "/server/22222", "/server/11111"});
    online.script->requests.clear();
    static_cast<void>(online.api.list(limit));
    CHECK(paths(*online.script) == std::vector<std::string>{"/server/failover", "/server/11111"});
}

TEST_CASE("a number from an earlier run is used, and dropped when it is another server's") {
    ScriptedOnline right{"192.0.2.10", "11111"};
    answer_well(*right.script);
    right.script->reply(failover_path, 200, bare_list);
    static_cast<void>(right.api.list(limit));
    CHECK(right.script->requests.size() == 2);

    for (const auto* stale : {"22222", "33333"}) {
        ScriptedOnline wrong{"192.0.2.10", stale};
        answer_well(*wrong.script);
        wrong.script->reply("/server/33333", 404, R"({"error":"Server not found"})");
        wrong.script->reply(failover_path, 200, bare_list);
        CHECK(wrong.api.list(limit).front().reverse == "vm5.example.com");
        CHECK(wrong.session->server_key() == "11111");
    }
    ScriptedOnline junk{"192.0.2.10", "../../etc"};
    answer_well(*junk.script);
    static_cast<void>(junk.api.list(limit));
    CHECK(junk.session->server_key() == "11111");
}

TEST_CASE("servers that the token may not see are passed over") {
    ScriptedOnline online;
    answer_well(*online.script);
    online.script->reply(failover_path, 200, bare_list);
    online.script->reply("/server/22222", 403, R"({"error":"Forbidden"})");
    CHECK(online.api.list(limit).size() == 2);

    ScriptedOnline hidden;  // our own is known by number, and its details are not ours to see
    answer_well(*hidden.script);
    hidden.script->reply("/server/11111", 403, R"({"error":"Forbidden"})");
    CHECK_THROWS_AS(hidden.api.list(limit), ProviderRefused);
}

TEST_CASE("an account without our server is for a person") {
    ScriptedOnline online{"198.51.100.77"};
    answer_well(*online.script);
    CHECK_THROWS_AS(online.api.list(limit), ProviderRefused);
    CHECK(online.session->server_key().empty());
}

TEST_CASE("an offer that does not list its addresses is known by the failover list alone") {
    ScriptedOnline online;
    answer_well(*online.script);
    online.script->reply("/server/11111", 200, R"({"id":11111})");
    const auto all = online.api.list(limit);
    CHECK(all.front().server == "192.0.2.10");
    CHECK_FALSE(all.front().reverse);
    CHECK(online.session->server_key() == "11111");
}

TEST_CASE("a reference to a server that has another address is not believed") {
    ScriptedOnline online;
    answer_well(*online.script);
    online.script->reply(failover_path, 200,
                         R"([{"source":"203.0.113.5","destination":"192.0.2.10",)"
                         R"("server":{"$ref":"/api/v1/server/22222"}}])");
    CHECK(online.api.list(limit).front().reverse == "vm5.example.com");
    CHECK(online.session->server_key() == "11111");
}

TEST_CASE("the server may be configured by its number") {
    ScriptedOnline online{"11111"};
    answer_well(*online.script);
    const auto all = online.api.list(limit);
    CHECK(all[0].server == "11111");  // as configured, so that it compares equal
    CHECK(all[2].server == "192.0.2.20");
    CHECK(online.session->server_key() == "11111");
    REQUIRE(online.api.route({Address::parse("203.0.113.6")}, limit).verdict == Verdict::done);
    CHECK(online.script->requests.back().form == "source=203.0.113.6&destination=192.0.2.10");

    ScriptedOnline fresh{"11111"};
    answer_well(*fresh.script);
    REQUIRE(fresh.api.route({Address::parse("203.0.113.6")}, limit).verdict == Verdict::done);
    CHECK(paths(*fresh.script) == std::vector<std::string>{"/server/11111", "/server/failover/edit"});

    ScriptedOnline missing{"44444"};
    answer_well(*missing.script);
    missing.script->reply("/server/44444", 404, R"({"error":"Server not found"})");
    CHECK_THROWS_AS(missing.api.list(limit), ProviderRefused);
    ScriptedOnline silent{"11111"};
    answer_well(*silent.script);
    silent.script->reply("/server/11111", 200, R"({"id":11111})");
    CHECK_THROWS_AS(silent.api.list(limit), ProviderRefused);
}

TEST_CASE("a server that is neither an IPv4 address nor a number is a mistake") {
    for (const auto* server : {"", "hv1", "2001:db8::1", "192.0.2.10/32", "-5", "0", "011111", "1e5"}) {
        INFO(server);
        CHECK_THROWS_AS(ScriptedOnline{server}, InputError);
    }
}

TEST_CASE("forms are encoded, commas and all") {
    ScriptedOnline online;
    answer_well(*online.script);
    const auto ip = Address::parse("203.0.113.5");
    REQUIRE(online.api.route({ip, Address::parse("203.0.113.6")}, limit).verdict == Verdict::done);
    CHECK(online.script->requests.back().form == "source=203.0.113.5%2C203.0.113.6&destination=192.0.2.10");
    REQUIRE(online.rdns.set(ip, "a&b=c d%+\n.example.com", limit).verdict == Verdict::done);
    CHECK(online.script->requests.back().form == "address=203.0.113.5&reverse=a%26b%3Dc%20d%25%2B%0A.example.com");
    REQUIRE(online.rdns.reset(ip, limit).verdict == Verdict::done);
    CHECK(online.script->requests.back().form == "address=203.0.113.5&reverse=false");
    REQUIRE(online.rdns.set(ip, "false", limit).verdict == Verdict::refused);  // that would be the order to reset
}
