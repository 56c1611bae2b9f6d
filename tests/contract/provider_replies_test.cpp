// What the adapter of the Online API makes of replies, without a network: good, bad and hostile ones.
#include "core/errors.hpp"
#include "provider_scripted_http.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;
using providers::HttpReply;

namespace {

constexpr std::chrono::milliseconds limit = std::chrono::seconds{5};
const auto ip = Address::parse("203.0.113.5");

// How a call ended; anything but these three is a bug and ends the test.
enum class End { answer, unavailable, refused };

struct Outcome {
    End end = End::answer;
    Verdict verdict = Verdict::done;
    std::string text;
};

template <typename Call>
Outcome attempt(Call call) {
    Outcome outcome;
    try {
        const Answer answer = call();
        outcome.verdict = answer.verdict;
        outcome.text = answer.text;
    } catch (const ProviderUnavailable& error) {
        outcome = {End::unavailable, Verdict::done, error.what()};
    } catch (const ProviderRefused& error) {
        outcome = {End::refused, Verdict::done, error.what()};
    }
    REQUIRE(outcome.text.find(secret) == std::string::npos);
    REQUIRE(outcome.text.size() < 400);
    REQUIRE(std::all_of(outcome.text.begin(), outcome.text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    return outcome;
}

Outcome route_with(HttpReply reply) {
    ScriptedOnline online;
    online.script->replies[edit_path] = std::move(reply);
    return attempt([&] { return online.api.route({ip}, limit); });
}

Outcome route_with(int status, const std::string& body) {
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    return route_with(reply);
}

Outcome mac_with(int status, const std::string& body) {
    ScriptedOnline online;
    online.script->reply(mac_path, status, body);
    return attempt([&] { return online.api.issue_mac(ip, "kvm", limit); });
}

Outcome list_with(const std::string& path, int status, const std::string& body) {
    ScriptedOnline online;
    answer_well(*online.script);
    online.script->reply(path, status, body);
    return attempt([&] {
        static_cast<void>(online.api.list(limit));  // only whether it can be read matters here
        return Answer{};
    });
}

End list_end(const std::string& body) {
    return list_with(failover_path, 200, body).end;
}

}  // namespace

TEST_CASE("a list as recorded is read with server, MAC and reverse name") {
    ScriptedOnline online;
    answer_well(*online.script);
    const auto all = online.api.list(limit);
    REQUIRE(all.size() == 3);
    CHECK(all[0].server == "192.0.2.10");
    CHECK(all[0].mac == Mac::parse("52:54:00:00:a1:b2"));
    CHECK(all[0].reverse == "vm5.example.com");
    CHECK_FALSE(all[1].server);
    CHECK_FALSE(all[1].mac);
    CHECK_FALSE(all[1].reverse);
    CHECK(all[2].server == "192.0.2.20");
    CHECK(online.session->server_key() == "11111");
    CHECK(online.script->requests.size() == 2);
}

TEST_CASE("only 2xx and exactly true is done") {
    CHECK(route_with(200, "true").verdict == Verdict::done);
    CHECK(route_with(200, " true\n").verdict == Verdict::done);
    CHECK(route_with(204, "true").verdict == Verdict::done);
    for (const auto* body : {"", " ", "truetrue", "true true", "True", "TRUE", "1", "null", "\"true\"", "[true]", "{}",
                             "{\"result\":true}", "yes", "0", "\"\"", "tru"}) {
        INFO(body);
        CHECK(route_with(200, body).end == End::unavailable);
    }
    CHECK(route_with(200, std::string{"true\0", 5}).end == End::unavailable);
    CHECK(route_with(200, "\xef\xbb\xbftrue").end == End::unavailable);
    CHECK(route_with(409, "true").end == End::unavailable);
}

TEST_CASE("false is a refusal, with any status below 500") {
    for (const int status : {200, 201, 400, 409}) {
        const auto outcome = route_with(status, "false");
        CHECK(outcome.end == End::answer);
        CHECK(outcome.verdict == Verdict::refused);
        CHECK_FALSE(outcome.text.empty());
    }
}

TEST_CASE("the provider's words decide, whatever the status and case") {
    struct Row {
        int status;
        const char* body;
        Verdict verdict;
    };
    const Row rows[] = {
        {409, R"({"error":"Address already provisioned"})", Verdict::already},
        {400, R"({"error":"ADDRESS ALREADY PROVISIONED","code":9})", Verdict::already},
        {200, R"({"error":"Address already provisioned"})", Verdict::already},
        {409, R"({"error":"Address already deprovisioned"})", Verdict::already},
        {409, R"({"error":"conflict","error_description":"Address already provisioned"})", Verdict::already},
        {409, R"({"error":"Address already provisioned","error_description":"see there"})", Verdict::already},
        {409, R"({"error":"Failover address routing in progress"})", Verdict::busy},
        {400, R"({"error":"x","error_description":"failover address Routing In Progress"})", Verdict::busy},
        {404, R"({"error":"Address not found"})", Verdict::refused},
        {400, R"({"error":"no","code":"not a number"})", Verdict::refused},
        {400, R"({"error":{"nested":true}})", Verdict::refused},
        {400, R"({"error":42})", Verdict::refused},
        {418, R"({"message":"odd"})", Verdict::refused},
        {400, R"("odd")", Verdict::refused},
        {200, R"({"error":"quiet failure"})", Verdict::refused},
    };
    for (const auto& row : rows) {
        INFO(row.status << ' ' << row.body);
        const auto outcome = route_with(row.status, row.body);
        CHECK(outcome.end == End::answer);
        CHECK(outcome.verdict == row.verdict);
        CHECK_FALSE(outcome.text.empty());
        CHECK(outcome.text.size() <= 200);
    }
    CHECK(route_with(400, R"({"error":"a","error_description":"better"})").text == "better");
}

TEST_CASE("429, 5xx, redirects and pages are no verdict") {
    for (const int status : {301, 302, 304, 307, 408, 425, 429, 500, 502, 503, 504, 599, 100, 0}) {
        INFO(status);
        CHECK(route_with(status, "true").end == End::unavailable);
        CHECK(route_with(status, "").end == End::unavailable);
        CHECK(route_with(status, R"({"error":"Address already provisioned"})").end == End::unavailable);
        CHECK(list_with(failover_path, status, good_list).end == End::unavailable);
        CHECK(list_with("/server/11111", status, good_server).end == End::unavailable);
    }
    for (const int status : {200, 400, 404, 409}) {
        CHECK(route_with(status, "<html><body>Bad gateway</body></html>").end == End::unavailable);
        CHECK(list_with(failover_path, status, "<html></html>").end == End::unavailable);
    }
}

TEST_CASE("a hint when to come back is passed on, within reason") {
    const auto wait_of = [](std::chrono::seconds header, const std::string& body) {
        ScriptedOnline online;
        HttpReply reply;
        reply.status = 429;
        reply.body = body;
        reply.retry_after = header;
        online.script->replies[edit_path] = reply;
        try {
            static_cast<void>(online.api.route({ip}, limit));
        } catch (const ProviderUnavailable& error) {
            return error.retry_after().count();
        }
        return std::chrono::seconds::rep{-1};
    };
    using std::chrono::seconds;
    CHECK(wait_of(seconds{37}, "") == 37);
    CHECK(wait_of(seconds{0}, "") == 0);
    CHECK(wait_of(seconds{0}, R"({"error":"slow down","retry_after":38})") == 38);
    CHECK(wait_of(seconds{0}, R"({"error":"slow down","retryAfter":"39"})") == 39);
    CHECK(wait_of(seconds{37}, R"({"error":"slow down","retry_after":38})") == 37);
    CHECK(wait_of(seconds{0}, R"({"retry_after":"soon"})") == 0);
    CHECK(wait_of(seconds{0}, R"({"retry_after":-5})") == 0);
    CHECK(wait_of(seconds{0}, R"({"retry_after":{"a":1}})") == 0);
    CHECK(wait_of(seconds{999999999}, "") == 3600);
    CHECK(wait_of(seconds{0}, R"({"retry_after":123456789012345678901234567890})") == 0);
}

TEST_CASE("a wrong path is loud and never means gone") {
    const auto body = R"({"error":"Unknown method","code":3})";
    const auto written = route_with(404, body);
    CHECK(written.end == End::unavailable);
    CHECK(written.text.find("DOES NOT KNOW THIS PATH") != std::string::npos);
    CHECK(list_with(failover_path, 404, body).end == End::unavailable);
    CHECK(list_with("/server/11111", 404, body).end == End::unavailable);
    CHECK(list_with(failover_path, 404, R"({"error":"gone"})").end == End::unavailable);
}

TEST_CASE("401 and 403 are for a person") {
    for (const auto* body : {"", "false", "<html>", R"({"error":"Invalid access token"})"}) {
        CHECK(route_with(401, body).end == End::refused);
        CHECK(list_with(failover_path, 401, body).end == End::refused);
    }
    CHECK(route_with(403, R"({"error":"Forbidden"})").end == End::refused);
    CHECK(list_with(failover_path, 403, R"({"error":"Forbidden"})").end == End::refused);
    CHECK(route_with(400, R"({"error":"invalid_token","error_description":"expired"})").end == End::refused);
}

TEST_CASE("a MAC is taken quoted or bare, in any case, and nothing else is") {
    for (const auto* body : {R"("52:54:00:00:a1:b2")", R"("52:54:00:00:A1:B2")", "52:54:00:00:a1:b2",
                             "52:54:00:00:a1:b2\n", " \"52:54:00:00:a1:b2\" "}) {
        INFO(body);
        CHECK(mac_with(200, body).verdict == Verdict::done);
        CHECK(mac_with(200, body).end == End::answer);
    }
    for (const auto* body :
         {"", "true", "null", "[]", "{}", R"("52:54:00:00:a1")", R"("52:54:00:00:a1:b2:c3")", R"("52-54-00-00-a1-b2")",
          R"("52:54:00:00:a1:b2)", R"(52:54:00:00:a1:b2")", R"("52:54:00:00:a1:g2")", R"("52:54:00:00:a1:b2" x)",
          R"(["52:54:00:00:a1:b2"])", R"("ff:ff:ff:ff:ff:ff")", R"("00:00:00:00:00:00")", R"("5254.0000.a1b2")",
          R"(" 52:54:00:00:a1:b2")", "52:54:00:00:a1:b2 52:54:00:00:a1:b2", R"("52:54:00:00:a1:b2\u0000")"}) {
        INFO(body);
        CHECK(mac_with(200, body).end == End::unavailable);
    }
    CHECK(mac_with(409, R"({"error":"Address has 52:54:00:00:a1:b2"})").verdict == Verdict::refused);
    CHECK(mac_with(200, "false").verdict == Verdict::refused);
    CHECK(mac_with(503, R"("52:54:00:00:a1:b2")").end == End::unavailable);
}

TEST_CASE("one bad entry makes the whole list unreadable") {
    CHECK(list_end("[]") == End::answer);
    CHECK(list_end(R"([{"source":"203.0.113.5"}])") == End::answer);
    CHECK(list_end(R"([{"source":"203.0.113.5","destination":"","mac":""}])") == End::answer);
    for (const auto* body : {"",
                             "null",
                             "true",
                             "false",
                             "{}",
                             "\"x\"",
                             "3",
                             "[null]",
                             "[[]]",
                             "[1]",
                             R"(["203.0.113.5"])",
                             "[{}]",
                             R"([{"source":null}])",
                             R"([{"source":""}])",
                             R"([{"source":7}])",
                             R"([{"source":"203.0.113"}])",
                             R"([{"source":"203.0.113.05"}])",
                             R"([{"source":"203.0.113.5 "}])",
                             R"([{"source":"203.0.113.5/32"}])",
                             R"([{"source":"203.0.113.5\u0000"}])",
                             R"([{"source":"203,0.113.5"}])",
                             R"([{"source":"vm.example.com"}])",
                             R"([{"source":"203.0.113.5"},{"source":"203.0.113.5"}])",
                             R"([{"source":"203.0.113.5","mac":5}])",
                             R"([{"source":"203.0.113.5","mac":"none"}])",
                             R"([{"source":"203.0.113.5","mac":"52:54:00:00:a1"}])",
                             R"([{"source":"203.0.113.5","mac":["52:54:00:00:a1:b2"]}])",
                             R"([{"source":"203.0.113.5","mac":"52:54:00:00:a1:b2 "}])",
                             R"([{"source":"203.0.113.5","mac":"01:00:5e:00:00:01"}])",
                             R"([{"source":"203.0.113.5","mac":false}])",
                             R"([{"source":"203.0.113.5","destination":0}])",
                             R"([{"source":"203.0.113.5","destination":{}}])",
                             R"([{"source":"203.0.113.5","destination":"hv1"}])",
                             R"([{"source":"203.0.113.5"}] [])",
                             R"([{"source":"203.0.113.5"},])",
                             R"([{'source':'203.0.113.5'}])",
                             R"({"error":"x"})",
                             R"([{"source":"203.0.113.5"}{"source":"203.0.113.6"}])"}) {
        INFO(body);
        CHECK(list_end(body) == End::unavailable);
    }
}

TEST_CASE("fields that nobody uses may be anything") {
    CHECK(list_end(R"([{"source":"203.0.113.5","status":["odd"],"server":"odd","contacts":7,"new":{"a":[null]}}])") ==
          End::answer);
    CHECK(list_end(R"([{"source":"203.0.113.5","server":{"$ref":7}},{"source":"203.0.113.6","server":{}}])") ==
          End::answer);
    CHECK(list_with("/server/11111", 200, R"({"ip":[{"address":"192.0.2.10","type":"public"},{"type":"new"}]})").end ==
          End::answer);
}

TEST_CASE("details that make no sense make the list unreadable") {
    for (const auto* body :
         {"[]", "null", "true", R"({"ip":{}})", R"({"ip":"x"})", R"({"ip":[1]})", R"({"ip":[{"type":"failover"}]})",
          R"({"ip":[{"type":"public","address":"x"}]})", R"({"ip":[{"type":5}]})",
          R"({"ip":[{"type":"failover","address":"203.0.113.5","reverse":5}]})",
          R"({"ip":[{"type":"failover","address":"203.0.113.5"},{"type":"failover","address":"203.0.113.5"}]})",
          R"({"network":{"ip":["x"]}})"}) {
        INFO(body);
        CHECK(list_with("/server/11111", 200, body).end == End::unavailable);
    }
}

TEST_CASE("a reverse name that cannot be printed is not known, and null is none") {
    const auto reverse_of = [](const std::string& json) {
        ScriptedOnline online;
        answer_well(*online.script);
        online.script->reply("/server/11111", 200,
                             R"({"ip":[{"address":"192.0.2.10","type":"public"},)"
                             R"({"address":"203.0.113.5","type":"failover","reverse":)" +
                                 json + "}]}");
        return online.api.list(limit).front().reverse;
    };
    CHECK(reverse_of(R"("Web.Example.Com.")") == "web.example.com");
    CHECK(reverse_of("null") == "");
    CHECK_FALSE(reverse_of(R"("web\n.example.com")"));
    CHECK_FALSE(reverse_of(R"("w\u00e9b.example.com")"));
    CHECK_FALSE(reverse_of(R"("\u0000")"));
    CHECK_FALSE(reverse_of('"' + std::string(300, 'a') + '"'));
}

TEST_CASE("every reply cut at every byte is no verdict") {
    for (std::size_t n = 0; n < good_list.size(); ++n) CHECK(list_end(good_list.substr(0, n)) == End::unavailable);
    for (std::size_t n = 0; n < good_server.size(); ++n) {
        CHECK(list_with("/server/11111", 200, good_server.substr(0, n)).end == End::unavailable);
    }
    const std::string error = R"({"error":"Address already provisioned","code":9})";
    for (std::size_t n = 0; n < error.size(); ++n) CHECK(route_with(409, error.substr(0, n)).end != End::refused);
    for (std::size_t n = 1; n < error.size(); ++n) CHECK(route_with(409, error.substr(0, n)).end == End::unavailable);
    for (const std::string body : {"true", "false"}) {
        for (std::size_t n = 0; n < body.size(); ++n) CHECK(route_with(200, body.substr(0, n)).end == End::unavailable);
    }
    for (const std::string body : {R"("52:54:00:00:a1:b2")", "52:54:00:00:a1:b2"}) {
        for (std::size_t n = 0; n < body.size(); ++n) CHECK(mac_with(200, body.substr(0, n)).end == End::unavailable);
    }
}

TEST_CASE("every byte of a reply may be anything: an answer or a clean error") {
    const std::string wild{"\0\xff\"{}[],:\\9-e \n", 16};
    for (const char c : wild) {
        for (std::size_t n = 0; n < good_list.size(); ++n) {
            auto body = good_list;
            body[n] = c;
            CHECK(list_end(body) != End::refused);
        }
        for (std::size_t n = 0; n < good_server.size(); ++n) {
            auto body = good_server;
            body[n] = c;
            static_cast<void>(list_with("/server/11111", 200, body));  // attempt() checks what matters
        }
    }
}

TEST_CASE("depth, size and numbers do no harm") {
    CHECK(list_end(std::string(100000, '[')) == End::unavailable);
    CHECK(list_end(std::string(20, '[') + std::string(20, ']')) == End::unavailable);
    CHECK(list_end(R"([{"source":"203.0.113.5","x":)" + std::string(5000, '{')) == End::unavailable);
    CHECK(list_end(R"([{"source":"203.0.113.5","x":1e999999999}])") == End::answer);
    CHECK(list_end(R"([{"source":"203.0.113.5","x":)" + std::string(100000, '9') + "}]") == End::answer);
    CHECK(list_end(R"([{"source":")" + std::string(5000000, '1') + R"("}])") == End::unavailable);
    CHECK(list_end(R"([{"source":"203.0.113.5","x":")" + std::string(5000000, 'a') + R"("}])") == End::answer);
    CHECK(list_end("[\"\xc3\x28\"]") == End::unavailable);
    CHECK(list_end(R"(["\ud800"])") == End::unavailable);
    CHECK(list_with("/server/11111", 200, R"({"ip":[{"address":"192.0.2.10","type":"public"}],"id":1e400})").end ==
          End::answer);
    CHECK(list_with("/server", 200, "[]").end == End::answer);
}

TEST_CASE("the token is in no text, whatever the provider says") {
    const auto half = secret.substr(3, 12);
    for (const auto& text : {secret, "bad token " + secret + "!", half, "Bearer " + secret + secret}) {
        for (const int status : {200, 400, 401, 403, 404, 409, 429, 500}) {
            HttpReply reply;
            reply.status = status;
            reply.body = R"({"error":")" + text + R"(","error_description":"x )" + text + "\"}";
            reply.request_id = text;
            const auto outcome = route_with(reply);
            CHECK(outcome.text.find(half) == std::string::npos);
            ScriptedOnline online;
            online.script->replies[failover_path] = reply;
            CHECK_THROWS(online.api.list(limit));
            try {
                static_cast<void>(online.api.list(limit));
            } catch (const std::exception& error) {
                CHECK(std::string{error.what()}.find(half) == std::string::npos);
            }
        }
    }
}

TEST_CASE("a request's id is quoted with the provider's words") {
    HttpReply reply;
    reply.status = 409;
    reply.body = R"({"error":")" + std::string(5000, 'w') + "\"}";
    reply.request_id = "abc-123";
    const auto outcome = route_with(reply);
    CHECK(outcome.text.find("(request abc-123)") != std::string::npos);
    CHECK(outcome.text.size() <= 200);
}
