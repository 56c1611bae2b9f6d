#include "store/lease_rows.hpp"

#include "store/columns.hpp"

#include <utility>

#define FIP_LEASE_COLUMNS                                                                                          \
    "address, provider, pool, state, guest_kind, guest_id, guest_name, origin, slot, bridge, ordinal, mac, "       \
    "is_mac_asked, is_adopted, stay, hostname, is_name_chosen, rdns, rdns_tries, rdns_due, since, cooling_until, " \
    "routed_at, retry_at"

namespace fip::store {
namespace {

constexpr const char* find_sql = "SELECT " FIP_LEASE_COLUMNS " FROM lease WHERE address_key = ?1";
constexpr const char* of_guest_sql = "SELECT " FIP_LEASE_COLUMNS
                                     " FROM lease WHERE guest_id = ?1 AND guest_kind = ?2"
                                     " ORDER BY slot, ordinal, address_key";
constexpr const char* named_sql =
    "SELECT " FIP_LEASE_COLUMNS " FROM lease WHERE guest_name = ?1 AND guest_name != '' ORDER BY address_key";
constexpr const char* with_mac_sql = "SELECT " FIP_LEASE_COLUMNS " FROM lease WHERE mac = ?1 ORDER BY address_key";
constexpr const char* all_sql =
    "SELECT " FIP_LEASE_COLUMNS " FROM lease WHERE ?1 = '' OR provider = ?1 ORDER BY address_key";
constexpr const char* holder_sql =
    "SELECT address FROM lease WHERE guest_id = ?1 AND guest_kind = ?2 AND slot = ?3 AND ordinal = ?4"
    " AND state IN ('pending', 'active', 'away') AND address_key != ?5";
constexpr const char* put_sql =
    "INSERT INTO lease (address_key, " FIP_LEASE_COLUMNS
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
    " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)"
    " ON CONFLICT (address_key) DO UPDATE SET provider = excluded.provider,"
    " pool = excluded.pool, state = excluded.state, guest_kind = excluded.guest_kind,"
    " guest_id = excluded.guest_id, guest_name = excluded.guest_name,"
    " origin = excluded.origin, slot = excluded.slot, bridge = excluded.bridge, ordinal = excluded.ordinal,"
    " mac = excluded.mac, is_mac_asked = excluded.is_mac_asked,"
    " is_adopted = excluded.is_adopted, stay = excluded.stay,"
    " hostname = excluded.hostname, is_name_chosen = excluded.is_name_chosen, rdns = excluded.rdns,"
    " rdns_tries = excluded.rdns_tries, rdns_due = excluded.rdns_due,"
    " since = excluded.since, cooling_until = excluded.cooling_until,"
    " routed_at = excluded.routed_at, retry_at = excluded.retry_at";
constexpr const char* erase_sql = "DELETE FROM lease WHERE address_key = ?1";

Lease lease_in(Cursor& row) {
    Lease lease;
    lease.address = Address::parse(row.text());
    lease.provider = row.text();
    lease.pool = row.text();
    lease.state = lease_state(row.text());
    const auto kind = row.maybe_text();
    auto id = row.maybe_text();
    if (kind && id) lease.guest = GuestId{guest_kind(*kind), std::move(*id)};
    lease.guest_name = row.text();
    lease.origin = row.text();
    lease.slot = row.text();
    lease.bridge = row.text();
    lease.ordinal = read_int(row);
    lease.mac = read_maybe_mac(row);
    lease.is_mac_asked = row.integer() != 0;
    lease.is_adopted = row.integer() != 0;
    lease.stay = stay(row.text());
    lease.hostname = row.text();
    lease.is_name_chosen = row.integer() != 0;
    lease.rdns = rdns_state(row.text());
    lease.rdns_tries = read_int(row);
    lease.rdns_due = read_time(row);
    lease.since = read_time(row);
    lease.cooling_until = read_maybe_time(row);
    lease.routed_at = read_maybe_time(row);
    lease.retry_at = read_maybe_time(row);
    return lease;
}

}  // namespace

SqliteLeaseRows::SqliteLeaseRows(Database& database)
    : database_{database},
      find_{database, find_sql},
      of_guest_{database, of_guest_sql},
      named_{database, named_sql},
      with_mac_{database, with_mac_sql},
      all_{database, all_sql},
      holder_{database, holder_sql},
      put_{database, put_sql},
      erase_{database, erase_sql} {}

std::optional<Lease> SqliteLeaseRows::find(const Address& address) const {
    database_.require_read();
    const std::string key = key_of(address);
    Cursor row = find_(Blob{key});
    if (!row.next()) return std::nullopt;
    return read_row(row, lease_in);
}

std::vector<Lease> SqliteLeaseRows::of_guest(const GuestId& guest) const {
    database_.require_read();
    Cursor row = of_guest_(guest.value, name_of(guest.kind));
    return read_rows(row, lease_in);
}

std::vector<Lease> SqliteLeaseRows::named(std::string_view guest_name) const {
    database_.require_read();
    Cursor row = named_(guest_name);
    return read_rows(row, lease_in);
}

std::vector<Lease> SqliteLeaseRows::with_mac(const Mac& mac) const {
    database_.require_read();
    const std::string text = mac.text();
    Cursor row = with_mac_(text);
    return read_rows(row, lease_in);
}

std::vector<Lease> SqliteLeaseRows::all(std::string_view provider) const {
    database_.require_read();
    Cursor row = all_(provider);
    return read_rows(row, lease_in);
}

void SqliteLeaseRows::put(const Lease& lease) {
    database_.require_write();
    if (find(lease.address) == lease) return;  // writing the same again would cost a sync
    check_place(lease);

    // Named one by one, so that a field added to Lease does not compile before it has a column.
    const auto& [address, provider, pool, state, guest, guest_name, origin, slot, bridge, ordinal, mac, is_mac_asked,
                 is_adopted, stay, hostname, is_name_chosen, rdns, rdns_tries, rdns_due, since, cooling_until,
                 routed_at, retry_at] = lease;
    const std::string key = key_of(address);
    const std::string text = address.text();
    std::optional<std::string_view> guest_kind;
    std::optional<std::string_view> guest_id;
    if (guest) {
        guest_kind = name_of(guest->kind);
        guest_id = guest->value;
    }
    const auto mac_text = column_of(mac);
    put_.run(Blob{key}, text, provider, pool, name_of(state), guest_kind, guest_id, guest_name, origin, slot, bridge,
             ordinal, mac_text, is_mac_asked, is_adopted, name_of(stay), hostname, is_name_chosen, name_of(rdns),
             rdns_tries, column_of(rdns_due), column_of(since), column_of(cooling_until), column_of(routed_at),
             column_of(retry_at));
}

void SqliteLeaseRows::check_place(const Lease& lease) const {
    if (!lease.guest || !is_held(lease.state)) return;
    const std::string key = key_of(lease.address);
    Cursor row = holder_(lease.guest->value, name_of(lease.guest->kind), lease.slot, lease.ordinal, Blob{key});
    if (!row.next()) return;
    database_.fail("has " + row.text() + " at slot \"" + lease.slot + "\" of guest " + lease.guest->value +
                   " already, so " + lease.address.text() + " cannot go there");
}

void SqliteLeaseRows::erase(const Address& address) {
    database_.require_write();
    const std::string key = key_of(address);
    erase_.run(Blob{key});
}

}  // namespace fip::store
