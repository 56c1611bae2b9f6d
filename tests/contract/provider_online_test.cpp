// The adapter of the Online API over HTTP: what the API may look like, and what may go wrong, one switch at a time.
#include "core/errors.hpp"
#include "provider_fixtures.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

const std::string first = "203.0.113.5";
const std::string second = "203.0.113.6";

// An account as good as any: one address here with MAC and name, one nowhere.
struct Account : OnlineProvider {
    Account() {
        add(first, this_server);
        add(second, std::nullopt);
        give_mac(first, "52:54:00:aa:bb:cc");
        simulator.edit(first, {{"reverse", "vm5.example.com"}});
        expected = api().list(call_limit);
        simulator.clear_counters();
    }

    [[nodiscard]] Answer route() { return api().route({address(second)}, call_limit); }

    // How often the request must be repeated is for the caller to decide, so one attempt is all there is.
    [[nodiscard]] std::string failed_route() {
        try {
            static_cast<void>(route());
        } catch (const ProviderUnavailable& error) {
            CHECK(std::string{error.what()}.find(simulator.token()) == std::string::npos);
            return error.what();
        }
        return {};
    }

    std::vector<ProviderAddress> expected;
};

}  // namespace

TEST_CASE("a sync is two reads, whatever was done in between") {
    Account account;
    CHECK(account.api().list(call_limit) == account.expected);
    CHECK(account.api().list(call_limit) == account.expected);
    CHECK(account.simulator.requests("failover") == 2);
    CHECK(account.simulator.requests("server") == 2);
    CHECK(account.simulator.reads() == 4);
    CHECK(account.simulator.writes() == 0);
}

TEST_CASE("every form the API's replies may have reads the same") {
    const std::vector<boost::json::object> forms = {
        {{"mac_case", "upper"}},          {{"rack", "int"}},        {{"null_destination", "empty"}},
        {{"null_destination", "absent"}}, {{"details", "sparse"}},  {{"server_ref", "null"}},
        {{"server_ref", "absent"}},       {{"extra_fields", true}}, {{"escape_slashes", false}},
        {{"busy_status", "pending"}},     {{"request_id", true}},   {{"error_style", "description"}},
    };
    Account account;
    for (const auto& form : forms) {
        INFO(form);
        account.simulator.set(form);
        CHECK(account.api().list(call_limit) == account.expected);
    }
    const auto fresh = providers::open(account.settings(), {account.simulator.token()});  // all of them, unknown number
    CHECK(fresh.api->list(call_limit) == account.expected);
    CHECK(fresh.server_key() == "11111");
}

TEST_CASE("details without addresses leave the reverse names unknown") {
    Account account;
    account.simulator.set({{"details", "no-addresses"}});
    const auto all = account.api().list(call_limit);
    REQUIRE(all.size() == 2);
    CHECK(all[0].server == account.expected[0].server);
    account.simulator.set({{"details", "full"}, {"default_reverse", "null"}});
    account.simulator.edit(first, {{"reverse", nullptr}});
    CHECK(account.api().list(call_limit)[0].reverse == "");
}

TEST_CASE("a bare MAC in any case counts as issued") {
    Account account;
    account.simulator.set({{"mac_reply", "bare"}, {"mac_case", "upper"}});
    REQUIRE(account.route().verdict == Verdict::done);
    CHECK(account.api().issue_mac(address(second), "kvm", call_limit).verdict == Verdict::done);
    CHECK(account.api().list(call_limit)[1].mac);
}

TEST_CASE("errors are understood in both styles, with any code and status") {
    for (const auto* style : {"error", "description"}) {
        for (const std::int64_t status : {409, 400, 422}) {
            Account account;
            account.simulator.set({{"error_style", style}, {"error_code", 9}, {"conflict_status", status}});
            CHECK(account.api().route({address(first)}, call_limit).verdict == Verdict::already);
            account.stay_busy();
            REQUIRE(account.route().verdict == Verdict::done);
            CHECK(account.route().verdict == Verdict::busy);
            account.simulator.set({{"check_order", "already"}});
            CHECK(account.route().verdict == Verdict::already);
            CHECK(account.api().issue_mac(address(first), "kvm", call_limit).verdict == Verdict::refused);
        }
    }
}

TEST_CASE("a MAC group that is not named whole is refused in the provider's words") {
    Account account;
    account.place(first, other_server);
    account.place(second, other_server);
    account.give_mac(second, "52:54:00:aa:bb:cc");
    account.simulator.set({{"partial_group_status", 400}, {"partial_group_text", "only as a whole, sir"}});
    const auto answer = account.route();
    CHECK(answer.verdict == Verdict::refused);
    CHECK(answer.text == "only as a whole, sir");
}

TEST_CASE("too many requests are no verdict, with the hint when to come back") {
    for (const std::int64_t status : {503, 429}) {
        for (const auto* body : {"json", "empty", "html"}) {
            Account account;
            account.simulator.set({{"quota_status", status}, {"quota_body", body}, {"quota_retry_after", 17}});
            account.simulator.set({{"requests_per_minute", 1}});
            const auto text = account.failed_route();
            INFO(text);
            CHECK(text.find(std::to_string(status)) != std::string::npos);
            CHECK(text.find("Retry-After: 17") != std::string::npos);
            CHECK_THROWS_AS(account.api().list(call_limit), ProviderUnavailable);
            CHECK(account.simulator.effects() == 0);
        }
    }
    Account account;
    account.simulator.set({{"quota_status", 429}, {"quota_retry_after", 21}, {"quota_retry_after_in_body", true}});
    account.simulator.set({{"requests_per_minute", 1}});
    CHECK(account.failed_route().find("Retry-After: 21") != std::string::npos);
}

TEST_CASE("a token that is refused is for a person, and is not quoted") {
    for (const auto* status : {"401", "403"}) {
        Account account;
        account.simulator.set({{"deny", status}});
        CHECK_THROWS_AS(account.api().list(call_limit), ProviderRefused);
        CHECK_THROWS_AS(account.route(), ProviderRefused);
    }
    Account account;
    const std::string wrong = "another-token-that-is-wrong";
    const auto provider = providers::open(account.settings(), {wrong});
    try {
        static_cast<void>(provider.api->list(call_limit));
        FAIL("the token is wrong");
    } catch (const ProviderRefused& error) {
        CHECK(std::string{error.what()}.find(wrong) == std::string::npos);
        CHECK(std::string{error.what()}.find("token") != std::string::npos);
    }
}

TEST_CASE("outages before and after the effect are no verdict; only one of them has an effect") {
    const std::vector<boost::json::object> faults = {
        {{"status", 503}},
        {{"status", 503}, {"body", ""}},
        {{"status", 502}, {"body", "<html>Bad Gateway</html>"}, {"content_type", "text/html"}},
        {{"status", 429}, {"body", "{}"}},
        {{"status", 200}, {"body", "<html>Welcome</html>"}, {"content_type", "text/html"}},
        {{"status", 200}, {"body", ""}},
        {{"keep", 0}},
        {{"keep", 3}},
        {{"cut", "before"}},
        {{"cut", "middle"}},
        {{"status", 302}, {"location", "http://127.0.0.1:1/"}},
    };
    for (const auto* when : {"before", "after"}) {
        Account account;
        for (auto fault : faults) {
            INFO(when << ' ' << fault);
            account.simulator.edit(second, {{"server", nullptr}});
            account.simulator.clear_counters();
            fault["endpoint"] = "edit";
            fault["when"] = when;
            account.simulator.fail(fault);
            CHECK_FALSE(account.failed_route().empty());
            CHECK(account.simulator.requests("edit") == 1);  // a write is sent once
            CHECK(account.simulator.effects() == (std::string{when} == "after" ? 1 : 0));
            const auto here = account.api().list(call_limit)[1].server.has_value();
            CHECK(here == (std::string{when} == "after"));
        }
    }
}

TEST_CASE("false is a refusal, also where the effect came about") {
    Account account;
    account.simulator.fail({{"endpoint", "edit"}, {"status", 200}, {"body", "false"}});
    CHECK(account.route().verdict == Verdict::refused);
    CHECK_FALSE(account.api().list(call_limit)[1].server);
    account.simulator.fail({{"endpoint", "edit"}, {"when", "after"}, {"status", 200}, {"body", "false"}});
    CHECK(account.route().verdict == Verdict::refused);
    CHECK(account.api().list(call_limit)[1].server == this_server);
}

TEST_CASE("reads that break leave nothing half known") {
    Account account;
    const std::vector<boost::json::object> faults = {
        {{"keep", 1}}, {{"keep", 40}}, {{"cut", "middle"}}, {{"status", 500}}, {{"body", "false"}}, {{"body", "[]]"}},
    };
    for (const auto* endpoint : {"failover", "server"}) {
        for (auto fault : faults) {
            INFO(endpoint << ' ' << fault);
            fault["endpoint"] = endpoint;
            account.simulator.fail(fault);
            CHECK_THROWS_AS(account.api().list(call_limit), ProviderUnavailable);
        }
    }
    CHECK(account.api().list(call_limit) == account.expected);
}

TEST_CASE("a read on a kept connection that was cut is repeated at once") {
    Account account;
    CHECK(account.api().list(call_limit) == account.expected);
    account.simulator.fail({{"endpoint", "failover"}, {"cut", "before"}});
    account.simulator.clear_counters();
    CHECK(account.api().list(call_limit) == account.expected);
    CHECK(account.simulator.requests("failover") == 2);
}

TEST_CASE("an API that restarts is served by a new connection") {
    Account account;
    account.simulator.kill();
    CHECK_THROWS_AS(account.api().list(call_limit), ProviderUnavailable);
    CHECK_FALSE(account.failed_route().empty());
    account.simulator.restart();
    CHECK(account.api().list(call_limit) == account.expected);
    CHECK(account.route().verdict == Verdict::done);
}

TEST_CASE("the limit holds when the API is slow") {
    Account account;
    account.simulator.set({{"latency_ms", 5000}});
    for (const std::chrono::milliseconds limit : {std::chrono::milliseconds{50}, std::chrono::milliseconds{300}}) {
        const auto start = std::chrono::steady_clock::now();
        CHECK_THROWS_AS(account.api().list(limit), ProviderUnavailable);
        CHECK_THROWS_AS(account.api().route({address(second)}, limit), ProviderUnavailable);
        CHECK(std::chrono::steady_clock::now() - start < limit * 2 + std::chrono::seconds{1});
    }
}

TEST_CASE("the limit covers the whole of a list, not each request of it") {
    Account account;
    account.simulator.set({{"latency_ms", 300}});
    CHECK_THROWS_AS(account.api().list(std::chrono::milliseconds{450}), ProviderUnavailable);
    CHECK(account.api().list(call_limit) == account.expected);
}

TEST_CASE("a slow provider shows the old state for a while, and the list says so") {
    Account account;
    account.simulator.set({{"read_lag_ms", 600000}});
    REQUIRE(account.route().verdict == Verdict::done);
    CHECK(account.api().list(call_limit) == account.expected);
    account.simulator.set({{"read_lag_ms", 0}});
    CHECK(account.api().list(call_limit)[1].server == this_server);
}

TEST_CASE("the provider's request id stands in refusals") {
    Account account;
    account.simulator.set({{"request_id", true}});
    CHECK(account.api().route({address(first)}, call_limit).text.find("(request sim-") != std::string::npos);
}

TEST_CASE("the wrong path is loud") {
    Account account;
    auto settings = account.settings();
    settings.endpoint += "/v2";
    const auto provider = providers::open(settings, {account.simulator.token()});
    try {
        static_cast<void>(provider.api->list(call_limit));
        FAIL("that path does not exist");
    } catch (const ProviderUnavailable& error) {
        CHECK(std::string{error.what()}.find("DOES NOT KNOW THIS PATH") != std::string::npos);
    }
}

TEST_CASE("the life of a VM costs five writes and not one hidden read") {
    Account account;
    const auto ip = address(second);
    REQUIRE(account.route().verdict == Verdict::done);
    REQUIRE(account.api().issue_mac(ip, "kvm", call_limit).verdict == Verdict::done);
    REQUIRE(account.rdns().set(ip, "vm6.example.com", call_limit).verdict == Verdict::done);
    REQUIRE(account.rdns().reset(ip, call_limit).verdict == Verdict::done);
    REQUIRE(account.api().revoke_mac(ip, call_limit).verdict == Verdict::done);
    CHECK(account.simulator.writes() == 5);
    CHECK(account.simulator.reads() == 0);
}
