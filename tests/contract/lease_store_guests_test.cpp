#include "contract/lease_store_fixtures.hpp"

using namespace fip;
using namespace fip::test;
using Texts = std::vector<std::string>;

namespace {

GuestNote note(const std::string& id, NoteKind kind = NoteKind::waiting, const std::string& slot = "") {
    return {.kind = kind, .guest = guest(id), .slot = slot, .name = "n", .pool = "public", .text = "t", .at = {}};
}

void put(LeaseStore& store, const GuestNote& remark) {
    store.write([&](Rows& rows) { rows.guests.put(remark); });
}

std::vector<GuestNote> notes(const LeaseStore& store, NoteKind kind) {
    return seen(store, [&](const Rows& rows) { return rows.guests.notes(kind); });
}

Texts ids(const std::vector<GuestNote>& found) {
    Texts all_ids;
    for (const GuestNote& remark : found) all_ids.push_back(remark.guest.value + remark.slot);
    return all_ids;
}

}  // namespace

TEMPLATE_TEST_CASE("a note comes back with every field", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    for (const auto kind :
         {NoteKind::waiting, NoteKind::absent, NoteKind::held_back, NoteKind::incoming, NoteKind::queued_start}) {
        const GuestNote full{.kind = kind,
                             .guest = guest("101", GuestKind::proxmox),
                             .slot = "net0",
                             .name = "web",
                             .pool = "public",
                             .text = "no free address",
                             .at = {at(1'700'000'000'001), std::chrono::milliseconds{42}, "boot"}};
        put(fixture.store, full);
        const auto found = notes(fixture.store, kind);
        REQUIRE(found.size() == 1);
        const auto& [kind_read, guest_read, slot, name, pool, text, time] = found[0];
        CHECK(kind_read == full.kind);
        CHECK(guest_read == full.guest);
        CHECK(slot == full.slot);
        CHECK(name == full.name);
        CHECK(pool == full.pool);
        CHECK(text == full.text);
        CHECK(time.wall == full.at.wall);
        CHECK(time.boot == full.at.boot);
        CHECK(time.boot_id == full.at.boot_id);
    }
}

TEMPLATE_TEST_CASE("notes keep the order of their first put", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    for (const auto* id : {"c", "a", "b"}) put(fixture.store, note(id));
    put(fixture.store, note("a", NoteKind::absent));

    SECTION("an update keeps the place and the first time, and changes text, name and pool") {
        auto update = note("c");
        update.text = "new text";
        update.name = "new name";
        update.pool = "new pool";
        update.at = {at(99), std::chrono::milliseconds{99}, "later boot"};
        put(fixture.store, update);
        const auto found = notes(fixture.store, NoteKind::waiting);
        CHECK(ids(found) == Texts{"c", "a", "b"});
        CHECK(found.at(0).text == "new text");
        CHECK(found.at(0).name == "new name");
        CHECK(found.at(0).pool == "new pool");
        CHECK(found.at(0).at.wall == at(0));
        CHECK(found.at(0).at.boot == std::chrono::milliseconds{0});
        CHECK(found.at(0).at.boot_id.empty());
    }
    SECTION("one that was erased goes to the end, also when it was the last") {
        for (const auto* id : {"c", "b"}) {
            fixture.store.write([&](Rows& rows) { rows.guests.erase(NoteKind::waiting, guest(id), std::nullopt); });
        }
        put(fixture.store, note("c"));
        put(fixture.store, note("b"));
        CHECK(ids(notes(fixture.store, NoteKind::waiting)) == Texts{"a", "c", "b"});
    }
    SECTION("a guest's notes of all kinds, oldest first") {
        put(fixture.store, note("a", NoteKind::incoming));
        const auto found = seen(fixture.store, [](const Rows& rows) { return rows.guests.notes_of(guest("a")); });
        REQUIRE(found.size() == 3);
        CHECK(found[0].kind == NoteKind::waiting);
        CHECK(found[1].kind == NoteKind::absent);
        CHECK(found[2].kind == NoteKind::incoming);
        const auto other = guest("a", GuestKind::proxmox);
        CHECK(seen(fixture.store, [&](const Rows& rows) { return rows.guests.notes_of(other); }).empty());
    }
}

TEMPLATE_TEST_CASE("notes are erased by slot, or all of a kind", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    for (const auto* slot : {"", "0", "1"}) put(fixture.store, note("a", NoteKind::waiting, slot));
    put(fixture.store, note("a", NoteKind::absent, "0"));
    put(fixture.store, note("b", NoteKind::waiting, "0"));
    const auto erase = [&](NoteKind kind, const GuestId& id, const std::optional<std::string>& slot) {
        for (int i = 0; i < 2; ++i) fixture.store.write([&](Rows& rows) { rows.guests.erase(kind, id, slot); });
    };
    const auto waiting = [&] { return ids(notes(fixture.store, NoteKind::waiting)); };

    erase(NoteKind::waiting, guest("a"), "0");
    CHECK(waiting() == Texts{"a", "a1", "b0"});
    erase(NoteKind::waiting, guest("a"), "");
    CHECK(waiting() == Texts{"a1", "b0"});
    put(fixture.store, note("a", NoteKind::waiting, "2"));
    erase(NoteKind::waiting, guest("a", GuestKind::proxmox), std::nullopt);
    CHECK(waiting() == Texts{"a1", "b0", "a2"});
    erase(NoteKind::waiting, guest("a"), std::nullopt);
    CHECK(waiting() == Texts{"b0"});
    CHECK(notes(fixture.store, NoteKind::absent).size() == 1);
}

TEMPLATE_TEST_CASE("named values", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const auto value = [&](const std::string& key) {
        return seen(fixture.store, [&](const Rows& rows) { return rows.guests.value(key); });
    };
    const auto set = [&](const std::string& key, const std::string& text) {
        fixture.store.write([&](Rows& rows) { rows.guests.set_value(key, text); });
    };
    CHECK(value("adopted").empty());
    set("adopted", "yes");
    set("", "nameless");
    CHECK(value("adopted") == "yes");
    CHECK(value("Adopted").empty());
    CHECK(value("") == "nameless");
    set("adopted", "no");
    CHECK(value("adopted") == "no");
    set("adopted", "");
    CHECK(value("adopted").empty());
}
