// One suite for everything that claims to be a provider.
#include "core/errors.hpp"
#include "provider_fixtures.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::test;

namespace {

const std::string first = "203.0.113.5";
const std::string second = "203.0.113.6";
const std::string third = "203.0.113.16";

ProviderAddress seen(FailoverApi& api, const std::string& text) {
    const auto all = api.list(call_limit);
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& a) { return a.address == address(text); });
    REQUIRE(found != all.end());
    return *found;
}

}  // namespace

TEMPLATE_TEST_CASE("a provider lists every address once, in order, with where it is routed", "[contract]", FakeProvider,
                   OnlineProvider) {
    TestType fixture;
    CHECK(fixture.api().list(call_limit).empty());

    fixture.add(third, std::nullopt);
    fixture.add(second, other_server);
    fixture.add(first, this_server);
    const auto all = fixture.api().list(call_limit);
    REQUIRE(all.size() == 3);
    CHECK(all[0].address == address(first));
    CHECK(all[1].address == address(second));
    CHECK(all[2].address == address(third));
    CHECK(all[0].server == this_server);
    CHECK(all[1].server == other_server);
    CHECK_FALSE(all[2].server);
    CHECK_FALSE(all[0].mac);
    CHECK(all[0].reverse);  // of this server's addresses alone
    CHECK_FALSE(all[1].reverse);
    CHECK_FALSE(all[2].reverse);
}

TEMPLATE_TEST_CASE("routing brings an address here, and saying so again is no harm", "[contract]", FakeProvider,
                   OnlineProvider) {
    TestType fixture;
    fixture.add(first, other_server);
    fixture.add(second, std::nullopt);

    CHECK(fixture.api().route({address(first)}, call_limit).verdict == Verdict::done);
    CHECK(fixture.api().route({address(second)}, call_limit).verdict == Verdict::done);
    CHECK(seen(fixture.api(), first).server == this_server);
    CHECK(seen(fixture.api(), second).server == this_server);

    const auto again = fixture.api().route({address(first)}, call_limit);
    CHECK(again.verdict == Verdict::already);
    CHECK_FALSE(again.text.empty());
}

TEMPLATE_TEST_CASE("an order while another one runs is answered busy", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.stay_busy();
    fixture.add(first, other_server);
    REQUIRE(fixture.api().route({address(first)}, call_limit).verdict == Verdict::done);
    fixture.place(first, other_server);
    CHECK(fixture.api().route({address(first)}, call_limit).verdict == Verdict::busy);
    CHECK(seen(fixture.api(), first).server == other_server);
}

TEMPLATE_TEST_CASE("a MAC is issued with the prefix of its type, once", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    fixture.add(second, this_server);
    fixture.add(third, this_server);

    CHECK(fixture.api().issue_mac(address(first), "kvm", call_limit).verdict == Verdict::done);
    CHECK(fixture.api().issue_mac(address(second), "xen", call_limit).verdict == Verdict::done);
    CHECK(fixture.api().issue_mac(address(third), "vmware", call_limit).verdict == Verdict::done);
    const auto mac = seen(fixture.api(), first).mac;
    REQUIRE(mac);
    CHECK(mac->text().starts_with("52:54:00:"));
    CHECK(seen(fixture.api(), second).mac->text().starts_with("00:16:3e:"));
    CHECK(seen(fixture.api(), third).mac->text().starts_with("00:50:56:"));

    const auto again = fixture.api().issue_mac(address(first), "kvm", call_limit);
    CHECK(again.verdict == Verdict::refused);
    CHECK(again.text.find(mac->text()) != std::string::npos);
    CHECK(seen(fixture.api(), first).mac == mac);
}

TEMPLATE_TEST_CASE("no MAC for an address that is routed to none", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, std::nullopt);
    CHECK(fixture.api().issue_mac(address(first), "kvm", call_limit).verdict == Verdict::refused);
    CHECK_FALSE(seen(fixture.api(), first).mac);
}

TEMPLATE_TEST_CASE("addresses that share a MAC move together and part by revoking", "[contract]", FakeProvider,
                   OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    fixture.add(second, this_server);
    fixture.add(third, other_server);
    REQUIRE(fixture.api().issue_mac(address(first), "kvm", call_limit).verdict == Verdict::done);

    CHECK(fixture.api().share_mac(address(first), address(third), call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().share_mac(address(second), address(first), call_limit).verdict == Verdict::refused);
    REQUIRE(fixture.api().share_mac(address(first), address(second), call_limit).verdict == Verdict::done);
    const auto mac = seen(fixture.api(), first).mac;
    CHECK(seen(fixture.api(), second).mac == mac);

    fixture.place(first, other_server);
    fixture.place(second, other_server);
    CHECK(fixture.api().route({address(first)}, call_limit).verdict == Verdict::refused);
    CHECK(seen(fixture.api(), first).server == other_server);
    CHECK(fixture.api().route({address(first), address(second)}, call_limit).verdict == Verdict::done);
    CHECK(seen(fixture.api(), first).server == this_server);
    CHECK(seen(fixture.api(), second).server == this_server);

    CHECK(fixture.api().revoke_mac(address(first), call_limit).verdict == Verdict::done);
    CHECK_FALSE(seen(fixture.api(), first).mac);
    CHECK(seen(fixture.api(), second).mac == mac);
    CHECK(fixture.api().revoke_mac(address(first), call_limit).verdict == Verdict::refused);
}

TEMPLATE_TEST_CASE("a MAC that a person set in the console is listed", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    fixture.give_mac(first, "02:00:00:00:00:05");
    CHECK(seen(fixture.api(), first).mac == Mac::parse("02:00:00:00:00:05"));
}

TEMPLATE_TEST_CASE("a reverse name is set, read back in lower case without dot, and reset", "[contract]", FakeProvider,
                   OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    const auto original = seen(fixture.api(), first).reverse;
    REQUIRE(original);

    CHECK(fixture.rdns().set(address(first), "Web.Example.COM", call_limit).verdict == Verdict::done);
    CHECK(seen(fixture.api(), first).reverse == "web.example.com");
    CHECK(fixture.rdns().set(address(first), "web.example.com", call_limit).verdict == Verdict::done);
    CHECK(fixture.rdns().reset(address(first), call_limit).verdict == Verdict::done);
    CHECK(seen(fixture.api(), first).reverse == original);
    CHECK(fixture.rdns().reset(address(first), call_limit).verdict == Verdict::done);
}

TEMPLATE_TEST_CASE("a reverse name without a forward record is refused in words", "[contract]", FakeProvider,
                   OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    fixture.add(second, this_server);
    fixture.demand_forward();
    const auto refusal = fixture.rdns().set(address(first), "web.example.com", call_limit);
    CHECK(refusal.verdict == Verdict::refused);
    CHECK_FALSE(refusal.text.empty());
    fixture.add_forward("web.example.com", first);
    CHECK(fixture.rdns().set(address(first), "web.example.com", call_limit).verdict == Verdict::done);
    CHECK(fixture.rdns().set(address(second), "web.example.com", call_limit).verdict == Verdict::refused);
}

TEMPLATE_TEST_CASE("names that no reverse record can have are refused", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    const auto original = seen(fixture.api(), first).reverse;
    for (const auto* name : {"", " ", "two words.example.com", "line\nbreak.example.com"}) {
        CHECK(fixture.rdns().set(address(first), name, call_limit).verdict == Verdict::refused);
    }
    CHECK(seen(fixture.api(), first).reverse == original);
}

TEMPLATE_TEST_CASE("addresses of others are refused", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, this_server);
    const auto stranger = address("198.51.100.99");
    CHECK(fixture.api().route({stranger}, call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().route({address(first), stranger}, call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().route({}, call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().issue_mac(stranger, "kvm", call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().issue_mac(address(first), "virtualbox", call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().share_mac(stranger, address(first), call_limit).verdict == Verdict::refused);
    CHECK(fixture.api().revoke_mac(stranger, call_limit).verdict == Verdict::refused);
    CHECK(fixture.rdns().set(stranger, "web.example.com", call_limit).verdict == Verdict::refused);
    CHECK(fixture.rdns().reset(stranger, call_limit).verdict == Verdict::refused);
}

TEMPLATE_TEST_CASE("a lost answer is no verdict, and the write stands", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, other_server);
    fixture.add(second, this_server);
    auto& api = fixture.api();
    CHECK_FALSE(api.list(call_limit).empty());  // a connection is open now

    fixture.lose_answer(ApiCall::route);
    CHECK_THROWS_AS(api.route({address(first)}, call_limit), ProviderUnavailable);
    CHECK(seen(api, first).server == this_server);
    fixture.lose_answer(ApiCall::issue_mac);
    CHECK_THROWS_AS(api.issue_mac(address(first), "kvm", call_limit), ProviderUnavailable);
    CHECK(seen(api, first).mac);
    fixture.lose_answer(ApiCall::share_mac);
    CHECK_THROWS_AS(api.share_mac(address(first), address(second), call_limit), ProviderUnavailable);
    CHECK(seen(api, second).mac == seen(api, first).mac);
    fixture.lose_answer(ApiCall::revoke_mac);
    CHECK_THROWS_AS(api.revoke_mac(address(first), call_limit), ProviderUnavailable);
    CHECK_FALSE(seen(api, first).mac);
    fixture.lose_answer(ApiCall::set_reverse);
    CHECK_THROWS_AS(fixture.rdns().set(address(first), "web.example.com", call_limit), ProviderUnavailable);
    CHECK(seen(api, first).reverse == "web.example.com");
    fixture.lose_answer(ApiCall::reset_reverse);
    CHECK_THROWS_AS(fixture.rdns().reset(address(first), call_limit), ProviderUnavailable);
    CHECK(seen(api, first).reverse != "web.example.com");
}

TEMPLATE_TEST_CASE("a request that never arrived changes nothing", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, other_server);
    auto& api = fixture.api();
    fixture.drop_request(ApiCall::route);
    CHECK_THROWS_AS(api.route({address(first)}, call_limit), ProviderUnavailable);
    CHECK(seen(api, first).server == other_server);
    fixture.drop_request(ApiCall::issue_mac);
    CHECK_THROWS_AS(api.issue_mac(address(first), "kvm", call_limit), ProviderUnavailable);
    CHECK_FALSE(seen(api, first).mac);
}

TEMPLATE_TEST_CASE("a token that is no good is for a person to mend", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, other_server);
    fixture.deny(ApiCall::list);
    CHECK_THROWS_AS(fixture.api().list(call_limit), ProviderRefused);
    fixture.deny(ApiCall::route);
    CHECK_THROWS_AS(fixture.api().route({address(first)}, call_limit), ProviderRefused);
    fixture.deny(ApiCall::set_reverse);
    CHECK_THROWS_AS(fixture.rdns().set(address(first), "web.example.com", call_limit), ProviderRefused);
    CHECK(seen(fixture.api(), first).server == other_server);
}

TEMPLATE_TEST_CASE("without time there is no call", "[contract]", FakeProvider, OnlineProvider) {
    TestType fixture;
    fixture.add(first, other_server);
    const std::chrono::milliseconds none{0};
    CHECK_THROWS_AS(fixture.api().list(none), ProviderUnavailable);
    CHECK_THROWS_AS(fixture.api().route({address(first)}, none), ProviderUnavailable);
    CHECK_THROWS_AS(fixture.rdns().reset(address(first), none), ProviderUnavailable);
    CHECK(seen(fixture.api(), first).server == other_server);
}
