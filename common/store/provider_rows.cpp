#include "store/provider_rows.hpp"

#include "store/columns.hpp"

#include <algorithm>

#define FIP_ADDRESS_COLUMNS "address, server, mac, reverse, missing"

namespace fip::store {
namespace {

constexpr const char* find_sql =
    "SELECT " FIP_ADDRESS_COLUMNS " FROM provider_address WHERE address_key = ?1 ORDER BY provider LIMIT 1";
constexpr const char* with_mac_sql =
    "SELECT " FIP_ADDRESS_COLUMNS " FROM provider_address WHERE mac = ?1 ORDER BY address_key, provider LIMIT 1";
constexpr const char* addresses_sql =
    "SELECT " FIP_ADDRESS_COLUMNS " FROM provider_address WHERE provider = ?1 ORDER BY address_key";
// Walks the index provider_address_free: held addresses are not in it.
constexpr const char* candidates_sql = "SELECT rank, " FIP_ADDRESS_COLUMNS
                                       " FROM provider_address INDEXED BY provider_address_free"
                                       " WHERE provider = ?1 AND rank IS NOT NULL ORDER BY rank, address_key";
constexpr std::int64_t rank_without_row = 1;
constexpr const char* put_sql = "INSERT INTO provider_address (address_key, provider, " FIP_ADDRESS_COLUMNS
                                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (address_key, provider) DO UPDATE"
                                " SET server = excluded.server, mac = excluded.mac, reverse = excluded.reverse,"
                                " missing = excluded.missing";
constexpr const char* erase_sql = "DELETE FROM provider_address WHERE address_key = ?1 AND provider = ?2";
constexpr const char* status_sql =
    "SELECT synced_at, synced_boot, backoff_until, failures, last_error, server_macs, server_key FROM provider WHERE "
    "name = ?1";
constexpr const char* set_status_sql =
    "INSERT INTO provider (name, synced_at, synced_boot, backoff_until, failures, last_error, server_macs, server_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET synced_at = excluded.synced_at,"
    " synced_boot = excluded.synced_boot, backoff_until = excluded.backoff_until, failures = excluded.failures,"
    " last_error = excluded.last_error, server_macs = excluded.server_macs, server_key = excluded.server_key";

ProviderAddress address_in(Cursor& row) {
    ProviderAddress address;
    address.address = Address::parse(row.text());
    address.server = row.maybe_text();
    address.mac = read_maybe_mac(row);
    address.reverse = row.maybe_text();
    address.missing = read_int(row);
    return address;
}

ProviderStatus status_in(Cursor& row) {
    ProviderStatus status;
    status.synced_at = read_maybe_time(row);
    status.synced_boot = row.text();
    status.backoff_until = read_maybe_time(row);
    status.failures = read_int(row);
    status.last_error = row.text();
    for (const auto& word : words_of(row.text())) status.server_macs.push_back(Mac::parse(word));
    status.server_key = row.text();
    return status;
}

bool is_lower(const ProviderAddress& left, const ProviderAddress& right) {
    return left.address < right.address;
}
bool is_same_address(const ProviderAddress& left, const ProviderAddress& right) {
    return left.address == right.address;
}

}  // namespace

SqliteProviderRows::SqliteProviderRows(Database& database, const LeaseRows& leases)
    : database_{database},
      leases_{leases},
      find_{database, find_sql},
      with_mac_{database, with_mac_sql},
      addresses_{database, addresses_sql},
      candidates_{database, candidates_sql},
      put_{database, put_sql},
      erase_{database, erase_sql},
      status_{database, status_sql},
      set_status_{database, set_status_sql} {}

std::optional<ProviderAddress> SqliteProviderRows::find(const Address& address) const {
    database_.require_read();
    const std::string key = key_of(address);
    Cursor row = find_(Blob{key});
    if (!row.next()) return std::nullopt;
    return read_row(row, address_in);
}

std::optional<ProviderAddress> SqliteProviderRows::with_mac(const Mac& mac) const {
    database_.require_read();
    const std::string text = mac.text();
    Cursor row = with_mac_(text);
    if (!row.next()) return std::nullopt;
    return read_row(row, address_in);
}

std::vector<ProviderAddress> SqliteProviderRows::addresses(std::string_view provider) const {
    database_.require_read();
    Cursor row = addresses_(provider);
    return read_rows(row, address_in);
}

void SqliteProviderRows::candidates(std::string_view provider,
                                    const std::function<bool(const Candidate&)>& visit) const {
    database_.require_read();
    Cursor row = candidates_(provider);
    while (row.next()) {
        const bool has_row = row.integer() != rank_without_row;
        Candidate candidate{read_row(row, address_in), std::nullopt};
        if (has_row) candidate.row = leases_.find(candidate.facts.address);
        if (!visit(candidate)) return;
    }
}

void SqliteProviderRows::replace(std::string_view provider, const std::vector<ProviderAddress>& addresses) {
    database_.require_write();
    auto wanted = addresses;
    std::stable_sort(wanted.begin(), wanted.end(), is_lower);
    wanted.erase(std::unique(wanted.begin(), wanted.end(), is_same_address), wanted.end());

    // Both in address order: only what differs is written, a list that says nothing new costs no sync.
    const auto known = this->addresses(provider);
    auto old = known.begin();
    for (const ProviderAddress& address : wanted) {
        for (; old != known.end() && is_lower(*old, address); ++old) erase(provider, old->address);
        const bool is_known = old != known.end() && is_same_address(*old, address);
        if (!is_known || *old != address) put(provider, address);
        if (is_known) ++old;
    }
    for (; old != known.end(); ++old) erase(provider, old->address);
}

void SqliteProviderRows::put(std::string_view provider, const ProviderAddress& facts) {
    const auto& [address, server, mac, reverse, missing] = facts;  // a new field does not compile without a column
    const std::string key = key_of(address);
    const std::string text = address.text();
    const auto mac_text = column_of(mac);
    put_.run(Blob{key}, provider, text, server, mac_text, reverse, missing);
}

void SqliteProviderRows::erase(std::string_view provider, const Address& address) {
    const std::string key = key_of(address);
    erase_.run(Blob{key}, provider);
}

ProviderStatus SqliteProviderRows::status(std::string_view provider) const {
    database_.require_read();
    Cursor row = status_(provider);
    return row.next() ? read_row(row, status_in) : ProviderStatus{};
}

void SqliteProviderRows::set_status(std::string_view provider, const ProviderStatus& status) {
    database_.require_write();
    if (this->status(provider) == status) return;
    const auto& [synced_at, synced_boot, backoff_until, failures, last_error, server_macs, server_key] = status;
    std::string macs;
    for (const auto& mac : server_macs) macs += (macs.empty() ? "" : " ") + mac.text();
    set_status_.run(provider, column_of(synced_at), synced_boot, column_of(backoff_until), failures, last_error, macs,
                    server_key);
}

}  // namespace fip::store
