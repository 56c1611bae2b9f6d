#include "store/guard_rows.hpp"

#include "store/columns.hpp"

#include <algorithm>

namespace fip::store {
namespace {

constexpr const char* macs_sql =
    "SELECT mac, addresses, missing_wall, missing_boot, missing_boot_id FROM guard_mac WHERE provider = ?1"
    " ORDER BY mac";
constexpr const char* put_mac_sql =
    "INSERT OR REPLACE INTO guard_mac (provider, mac, addresses, missing_wall, missing_boot, missing_boot_id)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr const char* erase_mac_sql = "DELETE FROM guard_mac WHERE provider = ?1 AND mac = ?2";
constexpr const char* senders_sql =
    "SELECT uplink, port, mac, is_raw, kind, name, detail, frames, first, last FROM blocked_sender"
    " ORDER BY last DESC, uplink, port, mac";
constexpr const char* put_sender_sql =
    "INSERT OR REPLACE INTO blocked_sender (uplink, port, mac, is_raw, kind, name, detail, frames, first, last)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr const char* trim_senders_sql =
    "DELETE FROM blocked_sender WHERE (uplink, port, mac) IN (SELECT uplink, port, mac FROM blocked_sender"
    " ORDER BY last DESC, uplink, port, mac LIMIT -1 OFFSET ?1)";
constexpr const char* erase_senders_sql = "DELETE FROM blocked_sender";

std::string joined(const std::vector<Address>& addresses) {
    std::string text;
    for (const auto& address : addresses) text += (text.empty() ? "" : " ") + address.text();
    return text;
}

GuardMac mac_in(Cursor& row) {
    GuardMac known;
    known.mac = Mac::parse(row.text());
    for (const auto& word : words_of(row.text())) known.addresses.push_back(Address::parse(word));
    const auto wall = read_maybe_time(row);
    const auto boot = row.maybe_integer();
    auto boot_id = row.maybe_text();
    if (wall && boot && boot_id)
        known.missing_since = Now{*wall, std::chrono::milliseconds{*boot}, *std::move(boot_id)};
    return known;
}

BlockedSender sender_in(Cursor& row) {
    BlockedSender sender;
    sender.uplink = row.text();
    sender.port = row.text();
    sender.mac = Mac::parse(row.text());
    sender.is_raw = row.integer() != 0;
    sender.kind = row.text();
    sender.name = row.text();
    sender.detail = row.text();
    sender.frames = static_cast<std::uint64_t>(row.integer());
    sender.first = read_time(row);
    sender.last = read_time(row);
    return sender;
}

}  // namespace

SqliteGuardRows::SqliteGuardRows(Database& database)
    : database_{database},
      macs_{database, macs_sql},
      put_mac_{database, put_mac_sql},
      erase_mac_{database, erase_mac_sql},
      senders_{database, senders_sql},
      put_sender_{database, put_sender_sql},
      trim_senders_{database, trim_senders_sql},
      erase_senders_{database, erase_senders_sql} {}

std::vector<GuardMac> SqliteGuardRows::macs(std::string_view provider) const {
    database_.require_read();
    Cursor row = macs_(provider);
    return read_rows(row, mac_in);
}

void SqliteGuardRows::replace(std::string_view provider, const std::vector<GuardMac>& macs) {
    database_.require_write();
    // Only what differs is written: a set that did not change costs no sync.
    const auto known = this->macs(provider);
    for (const auto& old : known) {
        const bool stays =
            std::any_of(macs.begin(), macs.end(), [&](const GuardMac& each) { return each.mac == old.mac; });
        const auto text = old.mac.text();
        if (!stays) erase_mac_.run(provider, text);
    }
    for (const auto& each : macs) {
        if (std::find(known.begin(), known.end(), each) != known.end()) continue;
        const auto& [mac, addresses, missing] = each;  // a new field does not compile without a column
        const auto text = mac.text();
        const auto list = joined(addresses);
        if (missing) {
            put_mac_.run(provider, text, list, column_of(missing->wall), std::int64_t{missing->boot.count()},
                         missing->boot_id);
        } else {
            put_mac_.run(provider, text, list);  // the others stay NULL
        }
    }
}

std::vector<BlockedSender> SqliteGuardRows::senders() const {
    database_.require_read();
    Cursor row = senders_();
    return read_rows(row, sender_in);
}

void SqliteGuardRows::put(const BlockedSender& sender) {
    database_.require_write();
    const auto& [uplink, port, mac, is_raw, kind, name, detail, frames, first, last] = sender;
    const auto text = mac.text();
    put_sender_.run(uplink, port, text, is_raw, kind, name, detail, static_cast<std::int64_t>(frames), column_of(first),
                    column_of(last));
    trim_senders_.run(static_cast<std::int64_t>(most_senders));
}

void SqliteGuardRows::erase_senders() {
    database_.require_write();
    erase_senders_.run();
}

}  // namespace fip::store
