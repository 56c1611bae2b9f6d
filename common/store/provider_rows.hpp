#pragma once

#include "ports/rows.hpp"
#include "store/sqlite.hpp"

namespace fip::store {

class SqliteProviderRows final : public ProviderRows {
public:
    SqliteProviderRows(Database& database, const LeaseRows& leases);

    [[nodiscard]] std::optional<ProviderAddress> find(const Address& address) const override;
    [[nodiscard]] std::optional<ProviderAddress> with_mac(const Mac& mac) const override;
    [[nodiscard]] std::vector<ProviderAddress> addresses(std::string_view provider) const override;
    void candidates(std::string_view provider, const std::function<bool(const Candidate&)>& visit) const override;
    void replace(std::string_view provider, const std::vector<ProviderAddress>& addresses) override;
    [[nodiscard]] ProviderStatus status(std::string_view provider) const override;
    void set_status(std::string_view provider, const ProviderStatus& status) override;

private:
    void put(std::string_view provider, const ProviderAddress& facts);
    void erase(std::string_view provider, const Address& address);

    Database& database_;
    const LeaseRows& leases_;
    Query find_, with_mac_, addresses_, candidates_, put_, erase_, status_, set_status_;
};

}  // namespace fip::store
