#pragma once

#include "ports/lease_store.hpp"

#include <memory>

namespace fip::test {

/// A LeaseStore in memory, for tests. The same contract as the one on disk, but nothing outlives the object.
class MemoryLeaseStore final : public LeaseStore {
public:
    MemoryLeaseStore();
    ~MemoryLeaseStore() override;

    void write(const std::function<void(Rows&)>& work) override;
    void read(const std::function<void(const Rows&)>& work) const override;

private:
    struct Session;
    std::unique_ptr<Session> session_;
};

}  // namespace fip::test
