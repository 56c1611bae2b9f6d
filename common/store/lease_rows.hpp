#pragma once

#include "ports/rows.hpp"
#include "store/sqlite.hpp"

namespace fip::store {

class SqliteLeaseRows final : public LeaseRows {
public:
    explicit SqliteLeaseRows(Database& database);

    [[nodiscard]] std::optional<Lease> find(const Address& address) const override;
    [[nodiscard]] std::vector<Lease> of_guest(const GuestId& guest) const override;
    [[nodiscard]] std::vector<Lease> named(std::string_view guest_name) const override;
    [[nodiscard]] std::vector<Lease> with_mac(const Mac& mac) const override;
    [[nodiscard]] std::vector<Lease> all(std::string_view provider) const override;
    void put(const Lease& lease) override;
    void erase(const Address& address) override;

private:
    void check_place(const Lease& lease) const;

    Database& database_;
    Query find_, of_guest_, named_, with_mac_, all_, holder_, put_, erase_;
};

}  // namespace fip::store
