#include "contract/lease_store_fixtures.hpp"
#include "core/errors.hpp"

using namespace fip;
using namespace fip::test;
using Texts = std::vector<std::string>;

namespace {

std::vector<Candidate> candidates(const LeaseStore& store, const std::string& provider, std::size_t limit = 1000) {
    return seen(store, [&](const Rows& rows) {
        std::vector<Candidate> found;
        rows.provider.candidates(provider, [&](const Candidate& candidate) {
            found.push_back(candidate);
            return found.size() < limit;
        });
        return found;
    });
}

Texts texts(const std::vector<Candidate>& found) {
    Texts addresses;
    for (const Candidate& candidate : found) addresses.push_back(candidate.facts.address.text());
    return addresses;
}

Texts texts(const std::vector<ProviderAddress>& found) {
    Texts addresses;
    for (const ProviderAddress& known : found) addresses.push_back(known.address.text());
    return addresses;
}

void replace(LeaseStore& store, const std::string& provider, const std::vector<ProviderAddress>& addresses) {
    store.write([&](Rows& rows) { rows.provider.replace(provider, addresses); });
}

Texts addresses(const LeaseStore& store, const std::string& provider) {
    return texts(seen(store, [&](const Rows& rows) { return rows.provider.addresses(provider); }));
}

ProviderAddress full_facts(const std::string& address) {
    ProviderAddress known = facts(address);
    known.server = "51.15.0.10";
    known.mac = Mac::parse("52:54:00:0a:0b:0c");
    known.reverse = "mail.example.com";
    known.missing = 3;
    return known;
}

}  // namespace

TEMPLATE_TEST_CASE("a provider's list is kept as it was said", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const auto full = full_facts("192.0.2.20");
    replace(fixture.store, "dedibox", {facts("2001:db8::1"), full, facts("192.0.2.3")});
    CHECK(addresses(fixture.store, "dedibox") == Texts{"192.0.2.3", "192.0.2.20", "2001:db8::1"});
    fixture.store.read([&](const Rows& rows) {
        CHECK(rows.provider.find(full.address) == full);
        CHECK(rows.provider.find(Address::parse("192.0.2.3")) == facts("192.0.2.3"));
        CHECK_FALSE(rows.provider.find(Address::parse("192.0.2.4")));
    });

    SECTION("the next list takes its place") {
        auto changed = full_facts("192.0.2.3");
        changed.mac.reset();
        replace(fixture.store, "dedibox", {changed, facts("192.0.2.4")});
        CHECK(addresses(fixture.store, "dedibox") == Texts{"192.0.2.3", "192.0.2.4"});
        CHECK(seen(fixture.store, [&](const Rows& rows) { return *rows.provider.find(changed.address); }) == changed);
        replace(fixture.store, "dedibox", {});
        CHECK(addresses(fixture.store, "dedibox").empty());
    }
    SECTION("another provider's list is not touched") {
        replace(fixture.store, "backup", {facts("198.51.100.1"), facts("192.0.2.3")});
        replace(fixture.store, "dedibox", {});
        CHECK(addresses(fixture.store, "backup") == Texts{"192.0.2.3", "198.51.100.1"});
    }
    SECTION("of an address that is named twice the first counts") {
        replace(fixture.store, "dedibox", {full, facts("192.0.2.20")});
        CHECK(seen(fixture.store, [&](const Rows& rows) { return rows.provider.addresses("dedibox"); }) ==
              std::vector{full});
    }
    SECTION("leases are not touched") {
        put(fixture.store, held("192.0.2.20", "web"));
        replace(fixture.store, "dedibox", {});
        CHECK(all(fixture.store).size() == 1);
    }
}

TEMPLATE_TEST_CASE("a MAC finds the lowest address that wears it", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    replace(fixture.store, "dedibox",
            {full_facts("2001:db8::1"), full_facts("192.0.2.100"), full_facts("192.0.2.20"), facts("192.0.2.1")});
    fixture.store.read([](const Rows& rows) {
        CHECK(rows.provider.with_mac(*full_facts("192.0.2.1").mac) == full_facts("192.0.2.20"));
        CHECK_FALSE(rows.provider.with_mac(Mac::parse("52:54:00:00:00:01")));
    });
}

TEMPLATE_TEST_CASE("candidates come warm ones first, and held ones never", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    std::vector<ProviderAddress> known;
    for (int i = 1; i <= 18; ++i) known.push_back(facts("192.0.2." + std::to_string(i)));
    const auto lists_first = GENERATE(true, false);  // the order of the two writes must not matter
    if (lists_first) replace(fixture.store, "dedibox", known);
    const std::vector<std::pair<int, LeaseState>> rows_in{
        {1, LeaseState::cooling}, {2, LeaseState::releasing}, {3, LeaseState::cooling},  {4, LeaseState::warming},
        {5, LeaseState::active},  {6, LeaseState::pending},   {7, LeaseState::away},     {8, LeaseState::warm},
        {12, LeaseState::warm},   {13, LeaseState::active},   {14, LeaseState::warming}, {100, LeaseState::warm}};
    for (const auto& [number, state] : rows_in) {
        put(fixture.store, stock("192.0.2." + std::to_string(number), state));
    }
    if (!lists_first) replace(fixture.store, "dedibox", known);

    const auto found = candidates(fixture.store, "dedibox");
    Texts expected;
    for (const int number : {8, 12, 9, 10, 11, 15, 16, 17, 18, 4, 14, 1, 2, 3}) {
        expected.push_back("192.0.2." + std::to_string(number));
    }
    CHECK(texts(found) == expected);
    for (const Candidate& candidate : found) {
        CHECK(candidate.row == find(fixture.store, candidate.facts.address));
    }

    SECTION("until told to stop") {
        CHECK(texts(candidates(fixture.store, "dedibox", 1)) == Texts{"192.0.2.8"});
        CHECK(texts(candidates(fixture.store, "dedibox", 3)) == Texts{"192.0.2.8", "192.0.2.12", "192.0.2.9"});
    }
    SECTION("what becomes held is a candidate no more, and comes back when it is erased") {
        put(fixture.store, stock("192.0.2.8", LeaseState::pending));
        put(fixture.store, stock("192.0.2.9", LeaseState::pending));
        CHECK(texts(candidates(fixture.store, "dedibox", 2)) == Texts{"192.0.2.12", "192.0.2.10"});
        fixture.store.write([](Rows& rows) {
            rows.leases.erase(Address::parse("192.0.2.8"));
            rows.leases.erase(Address::parse("192.0.2.9"));
        });
        CHECK(texts(candidates(fixture.store, "dedibox", 3)) == Texts{"192.0.2.12", "192.0.2.8", "192.0.2.9"});
    }
    SECTION("a list that says the same again changes nothing about that") {
        known.at(0).missing = 1;
        replace(fixture.store, "dedibox", known);
        CHECK(texts(candidates(fixture.store, "dedibox")) == expected);
        replace(fixture.store, "dedibox", {});
        CHECK(candidates(fixture.store, "dedibox").empty());
        replace(fixture.store, "dedibox", known);
        CHECK(texts(candidates(fixture.store, "dedibox")) == expected);
    }
    SECTION("of that provider only") {
        CHECK(candidates(fixture.store, "backup").empty());
        replace(fixture.store, "backup", {facts("192.0.2.5"), facts("192.0.2.9"), facts("198.51.100.1")});
        CHECK(texts(candidates(fixture.store, "backup")) == Texts{"192.0.2.9", "198.51.100.1"});
    }
    SECTION("a walk inside a walk, and other questions, are fine") {
        fixture.store.read([&](const Rows& rows) {
            int outer = 0;
            rows.provider.candidates("dedibox", [&](const Candidate&) {
                int inner = 0;
                rows.provider.candidates("dedibox", [&](const Candidate&) { return ++inner < 100; });
                CHECK(inner == static_cast<int>(expected.size()));
                CHECK(rows.leases.all("").size() == rows_in.size());
                return ++outer < 100;
            });
            CHECK(outer == static_cast<int>(expected.size()));
        });
    }
    SECTION("a walk that throws ends") {
        struct Stop {};
        const auto walk = [](const Rows& rows) {
            rows.provider.candidates("dedibox", [](const Candidate&) -> bool { throw Stop{}; });
        };
        CHECK_THROWS_AS(fixture.store.read(walk), Stop);
        CHECK(texts(candidates(fixture.store, "dedibox")) == expected);
    }
}

TEMPLATE_TEST_CASE("a candidate is claimed in the transaction that found it", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    replace(fixture.store, "dedibox", {facts("192.0.2.1"), facts("192.0.2.2")});
    const auto claim = [&](const std::string& id) {
        std::string claimed;
        fixture.store.write([&](Rows& rows) {
            rows.provider.candidates("dedibox", [&](const Candidate& candidate) {
                claimed = candidate.facts.address.text();
                return false;
            });
            if (!claimed.empty()) rows.leases.put(held(claimed, id));
        });
        return claimed;
    };
    CHECK(claim("a") == "192.0.2.1");
    CHECK(claim("b") == "192.0.2.2");
    CHECK(claim("c").empty());
}

TEMPLATE_TEST_CASE("what we remember of a provider comes back", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const auto status = [&](const std::string& provider) {
        return seen(fixture.store, [&](const Rows& rows) { return rows.provider.status(provider); });
    };
    CHECK(status("dedibox") == ProviderStatus{});
    const ProviderStatus full{.synced_at = at(5),
                              .synced_boot = "boot",
                              .backoff_until = at(6),
                              .failures = 7,
                              .last_error = "503",
                              .server_macs = {Mac::parse("02:00:00:00:00:01"), Mac::parse("02:00:00:00:00:02")},
                              .server_key = "11111"};
    fixture.store.write([&](Rows& rows) { rows.provider.set_status("dedibox", full); });
    CHECK(status("dedibox") == full);
    CHECK(status("backup") == ProviderStatus{});
    fixture.store.write([&](Rows& rows) { rows.provider.set_status("dedibox", {}); });
    CHECK(status("dedibox") == ProviderStatus{});
}
