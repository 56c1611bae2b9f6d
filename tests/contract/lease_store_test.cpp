#include "contract/lease_store_fixtures.hpp"
#include "core/errors.hpp"

#include <stdexcept>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using Texts = std::vector<std::string>;

TEMPLATE_TEST_CASE("a lease comes back with every field", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const Lease lease = full_lease("192.0.2.10");
    CHECK_FALSE(find(fixture.store, lease.address));
    put(fixture.store, lease);
    CHECK(find(fixture.store, lease.address) == lease);

    SECTION("and with every field at its default") {
        Lease plain;
        plain.address = Address::parse("2001:db8::5");
        put(fixture.store, plain);
        CHECK(find(fixture.store, plain.address) == plain);
    }
    SECTION("putting it again replaces the row") {
        Lease changed = lease;
        changed.state = LeaseState::cooling;
        changed.guest.reset();
        changed.mac.reset();
        changed.cooling_until.reset();
        changed.routed_at.reset();
        changed.retry_at.reset();
        put(fixture.store, changed);
        CHECK(all(fixture.store) == std::vector{changed});
    }
    SECTION("in each state") {
        for (const auto state : {LeaseState::warming, LeaseState::warm, LeaseState::pending, LeaseState::active,
                                 LeaseState::releasing, LeaseState::cooling, LeaseState::away}) {
            Lease changed = lease;
            changed.state = state;
            put(fixture.store, changed);
            CHECK(find(fixture.store, lease.address) == changed);
        }
    }
    SECTION("in each state of its reverse name and stay") {
        for (const auto rdns :
             {RdnsState::none, RdnsState::pending, RdnsState::set, RdnsState::failed, RdnsState::clearing}) {
            for (const auto stay : {Stay::here, Stay::left, Stay::arriving}) {
                Lease changed = lease;
                changed.rdns = rdns;
                changed.stay = stay;
                put(fixture.store, changed);
                CHECK(find(fixture.store, lease.address) == changed);
            }
        }
    }
}

TEMPLATE_TEST_CASE("erasing a lease may be repeated and frees the address", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const Lease lease = held("192.0.2.10", "web");
    put(fixture.store, lease);
    put(fixture.store, held("192.0.2.11", "mail"));
    for (int i = 0; i < 2; ++i) {
        fixture.store.write([&](Rows& rows) { rows.leases.erase(lease.address); });
        CHECK(texts(all(fixture.store)) == Texts{"192.0.2.11"});
    }
    put(fixture.store, held("192.0.2.10", "other"));
    CHECK(all(fixture.store).size() == 2);
}

TEMPLATE_TEST_CASE("leases are listed in address order, IPv4 first", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    Lease other = stock("192.0.2.9");
    other.provider = "backup";
    put(fixture.store, other);
    for (const auto* text : {"2001:db8::10", "192.0.2.100", "203.0.113.1", "2001:db8::9", "192.0.2.20", "9.0.0.1"}) {
        put(fixture.store, stock(text));
    }
    CHECK(texts(all(fixture.store)) ==
          Texts{"9.0.0.1", "192.0.2.9", "192.0.2.20", "192.0.2.100", "203.0.113.1", "2001:db8::9", "2001:db8::10"});
    const auto of = [&](const std::string& provider) {
        return texts(seen(fixture.store, [&](const Rows& rows) { return rows.leases.all(provider); }));
    };
    CHECK(of("backup") == Texts{"192.0.2.9"});
    CHECK(of("dedibox").size() == 6);
    CHECK(of("dedi").empty());
}

TEMPLATE_TEST_CASE("a guest's leases come by slot and ordinal, in any state", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    put(fixture.store, held("192.0.2.1", "web", "1", 0));
    put(fixture.store, held("192.0.2.2", "web", "0", 1));
    put(fixture.store, held("192.0.2.3", "web", "0", 0));
    Lease former = held("192.0.2.4", "web", "0", 2);
    former.state = LeaseState::cooling;
    put(fixture.store, former);
    put(fixture.store, held("192.0.2.5", "web2"));
    Lease container = held("192.0.2.6", "web");
    container.guest->kind = GuestKind::proxmox;
    put(fixture.store, container);
    put(fixture.store, stock("192.0.2.7"));

    const auto of = [&](const GuestId& id) {
        return texts(seen(fixture.store, [&](const Rows& rows) { return rows.leases.of_guest(id); }));
    };
    CHECK(of(guest("web")) == Texts{"192.0.2.3", "192.0.2.2", "192.0.2.4", "192.0.2.1"});
    CHECK(of(guest("web", GuestKind::proxmox)) == Texts{"192.0.2.6"});
    CHECK(of(guest("we")).empty());
    CHECK(of(guest("")).empty());
}

TEMPLATE_TEST_CASE("a name finds reservations and guests, never the nameless stock", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    Lease reservation = stock("192.0.2.2", LeaseState::active);
    reservation.guest_name = "web";
    put(fixture.store, reservation);
    Lease named = held("192.0.2.1", "1234");
    named.guest_name = "web";
    named.state = LeaseState::cooling;
    put(fixture.store, named);
    put(fixture.store, held("192.0.2.3", "web"));
    put(fixture.store, stock("192.0.2.4"));

    const auto of = [&](const std::string& name) {
        return texts(seen(fixture.store, [&](const Rows& rows) { return rows.leases.named(name); }));
    };
    CHECK(of("web") == Texts{"192.0.2.1", "192.0.2.2"});
    CHECK(of("Web").empty());
    CHECK(of("").empty());
}

TEMPLATE_TEST_CASE("a MAC finds all its leases", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const auto mac = Mac::parse("52:54:00:0a:0b:0c");
    for (const auto* text : {"192.0.2.2", "192.0.2.1"}) {
        Lease lease = stock(text);
        lease.mac = mac;
        put(fixture.store, lease);
    }
    put(fixture.store, stock("192.0.2.3"));
    const auto of = [&](const Mac& wanted) {
        return texts(seen(fixture.store, [&](const Rows& rows) { return rows.leases.with_mac(wanted); }));
    };
    CHECK(of(mac) == Texts{"192.0.2.1", "192.0.2.2"});
    CHECK(of(Mac::parse("52:54:00:0a:0b:0d")).empty());
}

TEMPLATE_TEST_CASE("a guest's slot and ordinal hold one address", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    put(fixture.store, held("192.0.2.10", "web"));
    Lease second = held("192.0.2.11", "web");

    SECTION("a second one is refused, naming both") {
        for (const auto state : {LeaseState::pending, LeaseState::active, LeaseState::away}) {
            second.state = state;
            CHECK_THROWS_WITH(put(fixture.store, second), Contains("192.0.2.10") && Contains("192.0.2.11"));
            CHECK_THROWS_AS(put(fixture.store, second), StoreError);
        }
        CHECK(texts(all(fixture.store)) == Texts{"192.0.2.10"});
    }
    SECTION("a refusal that is caught leaves the rest of the transaction") {
        fixture.store.write([&](Rows& rows) {
            rows.leases.put(stock("192.0.2.12"));
            CHECK_THROWS_AS(rows.leases.put(second), StoreError);
            rows.leases.put(stock("192.0.2.13"));
        });
        CHECK(texts(all(fixture.store)) == Texts{"192.0.2.10", "192.0.2.12", "192.0.2.13"});
    }
    SECTION("a row cannot come back into a place that was taken meanwhile") {
        second.state = LeaseState::cooling;
        put(fixture.store, second);
        second.state = LeaseState::active;
        CHECK_THROWS_AS(put(fixture.store, second), StoreError);
        CHECK(find(fixture.store, second.address)->state == LeaseState::cooling);
    }
    SECTION("but not once the first is on its way out") {
        for (const auto state : {LeaseState::releasing, LeaseState::cooling}) {
            Lease first = held("192.0.2.10", "web");
            first.state = state;
            put(fixture.store, first);
            put(fixture.store, second);
            CHECK(all(fixture.store).size() == 2);
            fixture.store.write([&](Rows& rows) { rows.leases.erase(second.address); });
        }
    }
    SECTION("another slot, ordinal, guest or kind of guest is another place") {
        put(fixture.store, held("192.0.2.20", "web", "1"));
        put(fixture.store, held("192.0.2.21", "web", "0", 1));
        put(fixture.store, held("192.0.2.22", "mail"));
        second.guest->kind = GuestKind::proxmox;
        put(fixture.store, second);
        CHECK(all(fixture.store).size() == 5);
    }
    SECTION("reservations have no place") {
        for (const auto* text : {"192.0.2.30", "192.0.2.31"}) {
            Lease reservation = held(text, "web");
            reservation.guest.reset();
            put(fixture.store, reservation);
        }
        CHECK(all(fixture.store).size() == 3);
    }
}

TEMPLATE_TEST_CASE("a transaction whose work throws changes nothing", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    put(fixture.store, held("192.0.2.10", "web"));
    const auto before = all(fixture.store);
    struct Stop {};
    const auto work = [&](Rows& rows) {
        rows.leases.put(stock("192.0.2.11"));
        rows.leases.erase(Address::parse("192.0.2.10"));
        rows.provider.replace("dedibox", {facts("192.0.2.11")});
        rows.provider.set_status("dedibox", status_with("no"));
        rows.guests.put(note_with("web", ""));
        rows.guests.set_value("key", "value");
        CHECK(rows.leases.all("").size() == 1);  // the work itself sees what it did
        throw Stop{};
    };
    CHECK_THROWS_AS(fixture.store.write(work), Stop);
    CHECK(all(fixture.store) == before);
    fixture.store.read([](const Rows& rows) {
        CHECK(rows.provider.addresses("dedibox").empty());
        CHECK(rows.provider.status("dedibox") == ProviderStatus{});
        CHECK(rows.guests.notes(NoteKind::waiting).empty());
        CHECK(rows.guests.value("key").empty());
    });
    put(fixture.store, stock("192.0.2.12"));  // and the store goes on
    CHECK(all(fixture.store).size() == 2);
}

TEMPLATE_TEST_CASE("writing through a view is refused", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    const auto refused = [&](const std::function<void(const Rows&)>& work) {
        CHECK_THROWS_AS(fixture.store.read(work), StoreError);
    };
    refused([](const Rows& rows) { rows.leases.put(stock("192.0.2.1")); });
    refused([](const Rows& rows) { rows.leases.erase(Address::parse("192.0.2.1")); });
    refused([](const Rows& rows) { rows.provider.replace("dedibox", {}); });
    refused([](const Rows& rows) { rows.provider.set_status("dedibox", {}); });
    refused([](const Rows& rows) { rows.guests.put(note_with("web", "")); });
    refused([](const Rows& rows) { rows.guests.erase(NoteKind::waiting, guest("web"), std::nullopt); });
    refused([](const Rows& rows) { rows.guests.set_value("key", "value"); });
    CHECK(all(fixture.store).empty());
}

TEMPLATE_TEST_CASE("transactions do not nest", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    CHECK_THROWS_AS(fixture.store.write([&](Rows&) { put(fixture.store, stock("192.0.2.1")); }), StoreError);
    CHECK_THROWS_AS(fixture.store.read([&](const Rows&) { put(fixture.store, stock("192.0.2.1")); }), StoreError);
    CHECK_THROWS_AS(fixture.store.write([&](Rows&) { (void)all(fixture.store); }), StoreError);
    CHECK(all(fixture.store).empty());
}

TEMPLATE_TEST_CASE("rows are of no use after their transaction", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    Rows* kept = nullptr;
    fixture.store.write([&](Rows& rows) { kept = &rows; });
    CHECK_THROWS_AS(kept->leases.all(""), StoreError);
    CHECK_THROWS_AS(kept->leases.put(stock("192.0.2.1")), StoreError);
    CHECK_THROWS_AS(kept->guests.value("key"), StoreError);
    CHECK_THROWS_AS(kept->provider.status("dedibox"), StoreError);
}

TEMPLATE_TEST_CASE("hostile texts come back as they were, or are refused", "[contract]", InMemory, OnDisk) {
    TestType fixture;
    using namespace std::string_literals;
    const auto text = GENERATE("nul\0inside"s, "\0"s, "\xff\xfe not UTF-8 \xc3"s, "'; DROP TABLE lease; --"s,
                               "\"quotes\" {} %s\n\t"s, "Ä \xf0\x9f\x98\x80"s, std::string(1 << 20, 'x'));
    Lease lease = full_lease("192.0.2.10");
    lease.provider = lease.pool = lease.guest_name = lease.origin = lease.slot = lease.hostname = text;
    lease.guest->value = text;
    put(fixture.store, lease);
    put(fixture.store, held("192.0.2.11", "nul"));
    fixture.store.write([&](Rows& rows) {
        rows.provider.set_status(text, status_with(text));
        auto known = facts("192.0.2.10");
        known.server = known.reverse = text;
        rows.provider.replace(text, {known});
        rows.guests.put(note_with(text, text));
        rows.guests.set_value(text, text);
    });
    fixture.store.read([&](const Rows& rows) {
        CHECK((rows.leases.find(lease.address) == lease));
        CHECK((rows.leases.of_guest(*lease.guest) == std::vector{lease}));
        CHECK((rows.leases.named(text) == std::vector{lease}));
        CHECK((rows.leases.all(text) == std::vector{lease}));
        CHECK((rows.provider.status(text).last_error == text));
        CHECK((rows.provider.addresses(text).at(0).server == text));
        CHECK((rows.provider.find(lease.address)->reverse == text));
        CHECK((rows.guests.notes_of(guest(text)).at(0).text == text));
        CHECK((rows.guests.notes(NoteKind::waiting).at(0).slot == text));
        CHECK((rows.guests.value(text) == text));
    });
}
