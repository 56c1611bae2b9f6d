#pragma once

#include "ports/rows.hpp"

#include <functional>

namespace fip {

/// The rows of one transaction; valid only while it lasts.
struct Rows {
    LeaseRows& leases;
    ProviderRows& provider;
    GuestRows& guests;
    GuardRows& guard;
};

/// Durable record of which guest holds which failover IP, and of what is being done about it.
///
/// Every call is one transaction: when it returns the change is on disk, when it throws (also when `work` throws)
/// nothing changed. Processes may share the file; threads may not share an object.
///
/// @throws StoreBusy   another process held the lock for the whole configured wait
/// @throws StoreError  the file is unreadable, full, corrupt or of a newer schema
class LeaseStore {
public:
    virtual ~LeaseStore() = default;
    LeaseStore(const LeaseStore&) = delete;
    LeaseStore& operator=(const LeaseStore&) = delete;

    /// Takes the write lock before the first read. `work` runs once. A transaction without a change costs no sync.
    virtual void write(const std::function<void(Rows&)>& work) = 0;
    /// One consistent view; writing through it throws StoreError.
    virtual void read(const std::function<void(const Rows&)>& work) const = 0;

protected:
    LeaseStore() = default;
};

}  // namespace fip
