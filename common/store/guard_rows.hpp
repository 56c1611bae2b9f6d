#pragma once

#include "ports/rows.hpp"
#include "store/sqlite.hpp"

namespace fip::store {

class SqliteGuardRows final : public GuardRows {
public:
    explicit SqliteGuardRows(Database& database);

    [[nodiscard]] std::vector<GuardMac> macs(std::string_view provider) const override;
    void replace(std::string_view provider, const std::vector<GuardMac>& macs) override;
    [[nodiscard]] std::vector<BlockedSender> senders() const override;
    void put(const BlockedSender& sender) override;
    void erase_senders() override;

private:
    Database& database_;
    Query macs_, put_mac_, erase_mac_, senders_, put_sender_, trim_senders_, erase_senders_;
};

}  // namespace fip::store
