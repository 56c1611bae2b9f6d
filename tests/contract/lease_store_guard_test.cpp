#include "lease_store_fixtures.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "support/process.hpp"

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

Mac mac(int number) {
    return Mac::local(static_cast<std::uint64_t>(number) << 8U);
}

BlockedSender sender(const std::string& port, int number, long long last) {
    return {"eno1", port, mac(number), port.empty(), "guest", "web", "net0", 7, at(1), at(last)};
}

std::vector<GuardMac> macs(const LeaseStore& store, const std::string& provider) {
    return seen(store, [&](const Rows& rows) { return rows.guard.macs(provider); });
}

std::vector<BlockedSender> senders(const LeaseStore& store) {
    return seen(store, [](const Rows& rows) { return rows.guard.senders(); });
}

Result sqlite(const std::string& file, const std::string& sql) {
    return run({.argv = {"sqlite3", file}, .input = sql}, 10s);
}

std::string schema_1() {
    std::ifstream file{FIP_SCHEMA_1};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEMPLATE_TEST_CASE("the set of MACs that may leave comes back as it was put, by provider", "[contract]", InMemory,
                   OnDisk) {
    TestType fixture;
    CHECK(macs(fixture.store, "dedibox").empty());
    const std::vector<GuardMac> set{
        {mac(1), {Address::parse("192.0.2.1"), Address::parse("2001:db8::1")}, std::nullopt},
        {mac(2), {Address::parse("192.0.2.2")}, Now{at(5), 6ms, "boot"}},
    };
    fixture.store.write([&](Rows& rows) { rows.guard.replace("dedibox", {set[1], set[0]}); });
    CHECK(macs(fixture.store, "dedibox") == set);
    CHECK(macs(fixture.store, "backup").empty());

    auto changed = set;
    changed[1].missing_since.reset();
    changed[0].addresses.pop_back();
    changed.push_back({mac(3), {Address::parse("192.0.2.3")}, std::nullopt});
    fixture.store.write([&](Rows& rows) { rows.guard.replace("dedibox", changed); });
    CHECK(macs(fixture.store, "dedibox") == changed);
    fixture.store.write([&](Rows& rows) { rows.guard.replace("dedibox", {}); });
    CHECK(macs(fixture.store, "dedibox").empty());
}

TEMPLATE_TEST_CASE("blocked senders come latest first, one per uplink, port and MAC", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    fixture.store.write([](Rows& rows) {
        rows.guard.put(sender("vnet0", 1, 10));
        rows.guard.put(sender("vnet1", 1, 30));
        rows.guard.put(sender("", 2, 20));
    });
    auto found = senders(fixture.store);
    REQUIRE(found.size() == 3);
    CHECK(found[0].port == "vnet1");
    CHECK(found[1].is_raw);
    CHECK(found[1].frames == 7);
    CHECK(found[2].first == at(1));
    auto again = sender("vnet0", 1, 40);
    again.name = "mail";
    fixture.store.write([&](Rows& rows) { rows.guard.put(again); });
    found = senders(fixture.store);
    REQUIRE(found.size() == 3);
    CHECK(found[0].name == "mail");
    fixture.store.write([](Rows& rows) { rows.guard.erase_senders(); });
    CHECK(senders(fixture.store).empty());
}

TEMPLATE_TEST_CASE("of too many blocked senders the oldest go", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    constexpr auto most = static_cast<int>(GuardRows::most_senders);
    fixture.store.write([&](Rows& rows) {
        for (int i = 0; i < most + 10; ++i) rows.guard.put(sender("vnet0", i, 1000 + i));
    });
    const auto found = senders(fixture.store);
    REQUIRE(found.size() == GuardRows::most_senders);
    CHECK(found.front().mac == mac(most + 9));
    CHECK(found.back().mac == mac(10));
}

TEST_CASE("a file of schema 1 is brought up to date with what it holds", "[contract][sqlite]") {
    TempDir dir;
    const std::string file = dir / "leases.db";
    // As version 0.1.0 made it.
    const auto made = sqlite(file, schema_1() + R"(
        PRAGMA journal_mode = WAL;
        PRAGMA user_version = 1;
        INSERT INTO lease (address_key, address, provider, pool, state, guest_name, origin, slot, ordinal, is_mac_asked,
            is_adopted, stay, hostname, is_name_chosen, rdns, rdns_tries, rdns_due, since)
        VALUES (X'04C0000201', '192.0.2.1', 'dedibox', 'public', 'warm', '', '', '', 0, 1, 0, 'here', '', 0, 'none', 0, 0, 0);
        INSERT INTO guest_note (kind, guest_kind, guest_id, slot, name, pool, text, wall, boot, boot_id)
        VALUES ('waiting', 'libvirt', 'u-1', '0', 'web', 'public', 'nothing free', 1, 2, 'boot'),
               ('absent', 'libvirt', 'u-2', '', '', '', '', 1, 2, 'boot');
        INSERT INTO provider VALUES ('dedibox', 1, 'boot', NULL, 0, '', '11111');
    )");
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    store::SqliteLeaseStore store{file, 1s, store::Access::create};
    CHECK(find(store, Address::parse("192.0.2.1"))->bridge.empty());
    store.read([](const Rows& rows) {
        CHECK(rows.guests.notes(NoteKind::waiting).size() == 1);
        CHECK(rows.guests.notes(NoteKind::absent).size() == 1);
        CHECK(rows.provider.status("dedibox").server_key == "11111");
        CHECK(rows.provider.status("dedibox").server_macs.empty());
    });
    store.write([](Rows& rows) {
        rows.guests.put({NoteKind::claimed, guest("u-3"), "", "new", "", "", Now{at(1), 2ms, "boot"}});
        rows.guests.put({NoteKind::queued_start, guest("u-3"), "", "new", "", "net0", Now{at(1), 2ms, "boot"}});
    });
    CHECK(sqlite(file, "PRAGMA user_version").out == "3\n");
}
