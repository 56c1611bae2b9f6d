#pragma once

#include "fakes/memory_lease_store.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <type_traits>
#include <vector>

namespace fip::test {

struct InMemory {
    MemoryLeaseStore store;
};

struct OnDisk {
    TempDir dir;
    store::SqliteLeaseStore store{dir / "leases.db", std::chrono::seconds{1}, store::Access::create};
};

/// What `ask` answers about the store as it is.
template <typename Ask>
auto seen(const LeaseStore& store, const Ask& ask) {
    std::optional<std::invoke_result_t<Ask, const Rows&>> answer;
    store.read([&](const Rows& rows) { answer = ask(rows); });
    return *answer;
}

inline void put(LeaseStore& store, const Lease& lease) {
    store.write([&](Rows& rows) { rows.leases.put(lease); });
}

inline std::optional<Lease> find(const LeaseStore& store, const Address& address) {
    return seen(store, [&](const Rows& rows) { return rows.leases.find(address); });
}

inline std::vector<Lease> all(const LeaseStore& store) {
    return seen(store, [](const Rows& rows) { return rows.leases.all(""); });
}

inline WallTime at(long long milliseconds) {
    return WallTime{std::chrono::milliseconds{milliseconds}};
}

inline GuestId guest(const std::string& value, GuestKind kind = GuestKind::libvirt) {
    return {kind, value};
}

/// A row of our stock.
inline Lease stock(const std::string& address, LeaseState state = LeaseState::warm) {
    Lease lease;
    lease.address = Address::parse(address);
    lease.provider = "dedibox";
    lease.pool = "public";
    lease.state = state;
    return lease;
}

/// A row that a guest holds.
inline Lease held(const std::string& address, const std::string& guest_id, const std::string& slot = "0",
                  int ordinal = 0) {
    Lease lease = stock(address, LeaseState::active);
    lease.guest = guest(guest_id);
    lease.guest_name = "name of " + guest_id;
    lease.slot = slot;
    lease.ordinal = ordinal;
    return lease;
}

/// Every field differs from its default.
inline Lease full_lease(const std::string& address) {
    Lease lease = held(address, "8e9a5f6c-0000-4000-8000-000000000001", "1", 2);
    lease.state = LeaseState::away;
    lease.guest = guest("101/8e9a5f6c", GuestKind::proxmox);
    lease.origin = "11111111-2222-3333-4444-555555555555/qemu";
    lease.mac = Mac::parse("02:00:00:0a:0b:0c");
    lease.is_mac_asked = true;
    lease.is_adopted = true;
    lease.stay = Stay::arriving;
    lease.hostname = "mail.example.com";
    lease.is_name_chosen = true;
    lease.rdns = RdnsState::failed;
    lease.rdns_tries = 7;
    lease.rdns_due = at(1'700'000'000'001);
    lease.since = at(1'700'000'000'002);
    lease.cooling_until = at(1'700'000'000'003);
    lease.routed_at = at(-4);
    lease.retry_at = at(1'700'000'000'005);
    return lease;
}

inline ProviderAddress facts(const std::string& address) {
    ProviderAddress known;
    known.address = Address::parse(address);
    return known;
}

inline ProviderStatus status_with(const std::string& text) {
    ProviderStatus status;
    status.synced_boot = status.last_error = status.server_key = text;
    return status;
}

inline GuestNote note_with(const std::string& guest_id, const std::string& text) {
    GuestNote note;
    note.guest = guest(guest_id);
    note.slot = note.name = note.pool = note.text = text;
    return note;
}

inline std::vector<std::string> texts(const std::vector<Lease>& leases) {
    std::vector<std::string> addresses;
    for (const Lease& lease : leases) addresses.push_back(lease.address.text());
    return addresses;
}

}  // namespace fip::test
