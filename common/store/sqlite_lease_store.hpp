#pragma once

#include "ports/lease_store.hpp"

#include <chrono>
#include <filesystem>
#include <memory>

namespace fip::store {

enum class Access {
    create,     ///< Make what is missing: folder (0700), file (0600), schema; bring an older schema up to date.
    existing,   ///< The same, but the file must be there.
    read_only,  ///< Only what is there, as it is; leaves the WAL alone. For short-lived readers.
};

/// A LeaseStore in an SQLite file (WAL, full sync), shared by all our processes; docs/store.md tells what lies in it.
///
/// Opening costs a fraction of a millisecond, however many leases there are: statements are prepared when they are
/// first used, and the WAL is not folded into the file when a short-lived process ends, unless it has grown.
/// One object per thread; not across fork().
class SqliteLeaseStore final : public LeaseStore {
public:
    /// @param busy_wait  how long one call may wait for another process' lock; 0: not at all
    /// @throws StoreBusy StoreError
    SqliteLeaseStore(const std::filesystem::path& file, std::chrono::milliseconds busy_wait, Access access);
    ~SqliteLeaseStore() override;

    void write(const std::function<void(Rows&)>& work) override;
    void read(const std::function<void(const Rows&)>& work) const override;

private:
    struct Session;
    std::unique_ptr<Session> session_;
};

}  // namespace fip::store
