// What a hook of Proxmox claims, and the start that it queues.
#include "app/start_claim.hpp"
#include "world.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

namespace {

Guest on_proxmox(const std::string& id, const std::string& name, int wrong_mac = 0x77) {
    Guest guest;
    guest.id = {GuestKind::proxmox, id};
    guest.name = name;
    guest.nics = {FakeGuests::nic("br0", Mac::local(static_cast<std::uint64_t>(wrong_mac) << 8U))};
    return guest;
}

struct Host : World {
    Host() {
        add_addresses(2);
        start_daemon();
        run_until_quiet();
    }
};

}  // namespace

TEST_CASE("a claim for a start says which MAC each NIC must wear") {
    Host host;
    auto guest = on_proxmox("100", "web1");
    guest.nics[0].index = 3;
    const auto claimed = claim_for_start(host.context(), guest);
    REQUIRE(claimed.kind == StartClaim::Kind::ready);
    REQUIRE(claimed.macs.size() == 1);
    CHECK(claimed.macs[0].nic == 3);
    std::vector<Lease> leases;
    host.context().store.read([&](const Rows& rows) { leases = rows.leases.of_guest(guest.id); });
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].mac == claimed.macs[0].mac);
}

TEST_CASE("a Proxmox guest's config was there before its start: no claim of it ends by itself") {
    Host host;
    REQUIRE(claim_for_start(host.context(), on_proxmox("100", "web1")).kind == StartClaim::Kind::ready);
    std::vector<GuestNote> claimed;
    host.context().store.read([&](const Rows& rows) { claimed = rows.guests.notes(NoteKind::claimed); });
    CHECK(claimed.empty());
}

TEST_CASE("two Proxmox guests may have one name: neither takes over what the other claimed") {
    Host host;
    const auto first = claim_for_start(host.context(), on_proxmox("100", "web1"));
    const auto second = claim_for_start(host.context(), on_proxmox("101", "web1", 0x78));
    REQUIRE(first.kind == StartClaim::Kind::ready);
    REQUIRE(second.kind == StartClaim::Kind::ready);
    CHECK(first.macs[0].mac != second.macs[0].mac);
}

TEST_CASE("one start is queued for a guest and its wrong MACs, until it was right") {
    Host host;
    const auto context = host.context();
    const auto guest = on_proxmox("100", "web1");
    const auto other = on_proxmox("101", "web2");
    CHECK_FALSE(has_queued_start(context, guest.id));
    CHECK(note_queued_start(context, guest, "net0 a"));
    CHECK(has_queued_start(context, guest.id));
    CHECK_FALSE(note_queued_start(context, guest, "net0 a"));
    CHECK(note_queued_start(context, other, "net0 a"));

    SECTION("other wrong MACs are another matter") {
        CHECK(note_queued_start(context, guest, "net0 b"));
    }
    SECTION("once it was right the same may come again") {
        forget_queued_start(context, guest.id);
        forget_queued_start(context, guest.id);
        CHECK(note_queued_start(context, guest, "net0 a"));
        CHECK(has_queued_start(context, other.id));
    }
}
