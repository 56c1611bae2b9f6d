#include "contract/lease_store_fixtures.hpp"
#include "core/errors.hpp"

#include <random>

using namespace fip;
using namespace fip::test;

namespace {

/// Random changes and the same questions, for a store to be compared with another.
class Storm {
public:
    explicit Storm(unsigned seed) : random_{seed} {}

    /// One change; the same sequence of calls with the same seed makes the same changes.
    void change(Rows& rows) {
        switch (pick(8)) {
        case 0:
        case 1:
        case 2:
        case 3:
            return put_lease(rows);
        case 4:
            return rows.leases.erase(address());
        case 5:
            return rows.provider.replace(provider(), some_facts());
        case 6:
            if (pick(3) == 0) {
                return rows.guests.erase(static_cast<NoteKind>(pick(4)), some_guest(),
                                         pick(2) == 0 ? std::nullopt : std::optional{std::to_string(pick(2))});
            }
            return put_note(rows);
        default:
            return rows.guests.set_value("key" + std::to_string(pick(3)), std::to_string(pick(3)));
        }
    }

    std::size_t pick(std::size_t below) { return random_() % below; }

private:
    Address address() {
        const auto host = std::to_string(pick(24));
        return Address::parse(pick(4) == 0 ? "2001:db8::" + host : "192.0.2." + host);
    }
    std::string provider() { return pick(3) == 0 ? "backup" : "dedibox"; }
    GuestId some_guest() { return guest("guest" + std::to_string(pick(4)), static_cast<GuestKind>(pick(2))); }
    std::optional<Mac> some_mac() {
        if (pick(2) == 0) return std::nullopt;
        return Mac::local(pick(5));
    }
    std::vector<ProviderAddress> some_facts() {
        std::vector<ProviderAddress> known;
        for (std::size_t left = pick(20); left > 0; --left) {
            auto one = facts(address().text());
            one.mac = some_mac();
            one.missing = static_cast<int>(pick(2));
            if (pick(2) == 0) one.server = "51.15.0.10";
            known.push_back(one);
        }
        return known;
    }
    void put_lease(Rows& rows) {
        Lease lease;
        lease.address = address();
        lease.provider = provider();
        lease.state = static_cast<LeaseState>(pick(7));
        if (pick(3) != 0) lease.guest = some_guest();
        lease.guest_name = pick(3) == 0 ? "" : "name" + std::to_string(pick(3));
        lease.slot = std::to_string(pick(2));
        lease.ordinal = static_cast<int>(pick(2));
        lease.mac = some_mac();
        if (pick(2) == 0) lease.cooling_until = at(static_cast<int>(pick(100)));
        try {
            rows.leases.put(lease);
        } catch (const StoreError&) {
            ++refused;  // its place was taken: the other store must say so too
        }
    }
    void put_note(Rows& rows) {
        GuestNote note;
        note.kind = static_cast<NoteKind>(pick(4));
        note.guest = some_guest();
        note.slot = pick(2) == 0 ? "" : std::to_string(pick(2));
        note.text = std::to_string(pick(9));
        note.at.wall = at(static_cast<int>(pick(1000)));
        rows.guests.put(note);
    }

    std::mt19937 random_;

public:
    int refused = 0;
};

std::string note_text(const GuestNote& note) {
    return std::to_string(static_cast<int>(note.kind)) + std::to_string(static_cast<int>(note.guest.kind)) +
           note.guest.value + "/" + note.slot + "/" + note.text + "/" +
           std::to_string(note.at.wall.time_since_epoch().count());
}

/// Everything that a store can be asked, in one value.
struct Answers {
    std::vector<std::vector<Lease>> leases;
    std::vector<std::vector<ProviderAddress>> addresses;
    std::vector<std::optional<ProviderAddress>> found;
    std::vector<std::pair<ProviderAddress, std::optional<Lease>>> candidates;
    std::vector<std::string> texts;
    friend bool operator==(const Answers&, const Answers&) = default;
};

Answers ask(const LeaseStore& store) {
    Answers answers;
    store.read([&](const Rows& rows) {
        for (const auto* provider : {"", "dedibox", "backup"}) {
            answers.leases.push_back(rows.leases.all(provider));
            answers.addresses.push_back(rows.provider.addresses(provider));
            rows.provider.candidates(provider, [&](const Candidate& candidate) {
                answers.candidates.emplace_back(candidate.facts, candidate.row);
                return true;
            });
        }
        for (unsigned i = 0; i < 5; ++i) {
            const auto number = std::to_string(i);
            for (const auto kind : {GuestKind::libvirt, GuestKind::proxmox}) {
                answers.leases.push_back(rows.leases.of_guest(guest("guest" + number, kind)));
                for (const auto& note : rows.guests.notes_of(guest("guest" + number, kind))) {
                    answers.texts.push_back(note_text(note));
                }
            }
            answers.leases.push_back(rows.leases.named("name" + number));
            answers.leases.push_back(rows.leases.with_mac(Mac::local(i)));
            answers.found.push_back(rows.provider.with_mac(Mac::local(i)));
            answers.found.push_back(rows.provider.find(Address::parse("192.0.2." + number)));
            answers.texts.push_back(rows.guests.value("key" + number));
        }
        for (int kind = 0; kind < 4; ++kind) {
            for (const auto& note : rows.guests.notes(static_cast<NoteKind>(kind))) {
                answers.texts.push_back(note_text(note));
            }
        }
    });
    return answers;
}

/// The definition of candidates(), from the two tables alone.
std::vector<std::string> expected_candidates(const Rows& rows, const std::string& provider) {
    std::vector<std::string> expected;
    const auto add = [&](const std::vector<LeaseState>& states, bool without_row) {
        for (const auto& known : rows.provider.addresses(provider)) {
            const auto row = rows.leases.find(known.address);
            const bool is_wanted = row ? std::count(states.begin(), states.end(), row->state) > 0 : without_row;
            if (is_wanted) expected.push_back(known.address.text());
        }
    };
    add({LeaseState::warm}, false);
    add({}, true);
    add({LeaseState::warming}, false);
    add({LeaseState::cooling, LeaseState::releasing}, false);
    return expected;
}

}  // namespace

TEST_CASE("both stores answer alike after any sequence of changes", "[contract]") {
    const auto seed = GENERATE(range(1u, 13u));
    InMemory memory;
    OnDisk disk;
    Storm to_memory{seed};
    Storm to_disk{seed};
    struct Undone {};
    for (int step = 0; step < 60; ++step) {
        const auto apply = [](LeaseStore& store, Storm& storm) {
            try {
                store.write([&](Rows& rows) {
                    for (auto left = storm.pick(8); left > 0; --left) storm.change(rows);
                    if (storm.pick(6) == 0) throw Undone{};
                });
            } catch (const Undone&) {
                return;  // rolled back: the comparison tells whether it was
            }
        };
        apply(memory.store, to_memory);
        apply(disk.store, to_disk);
        REQUIRE((ask(memory.store) == ask(disk.store)));
    }
    CHECK(to_memory.refused == to_disk.refused);
    CHECK(to_memory.refused > 0);
}

TEMPLATE_TEST_CASE("the candidates never diverge from leases and lists", "[contract]", InMemory, OnDisk) {
    const auto seed = GENERATE(range(100u, 104u));
    TestType fixture;
    Storm storm{seed};
    for (int step = 0; step < 200; ++step) {
        fixture.store.write([&](Rows& rows) {
            for (auto left = storm.pick(4); left > 0; --left) storm.change(rows);
            for (const auto* provider : {"dedibox", "backup"}) {
                std::vector<std::string> found;
                rows.provider.candidates(provider, [&](const Candidate& candidate) {
                    found.push_back(candidate.facts.address.text());
                    return true;
                });
                REQUIRE(found == expected_candidates(rows, provider));
            }
        });
    }
}
