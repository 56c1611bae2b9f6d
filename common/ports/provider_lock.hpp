#pragma once

#include <memory>
#include <string>

namespace fip {

/// Held until destroyed; ends with the process, however it ends.
class HeldLock {
public:
    virtual ~HeldLock() = default;
    HeldLock(const HeldLock&) = delete;
    HeldLock& operator=(const HeldLock&) = delete;

protected:
    HeldLock() = default;
};

/// Locks over all our processes: writes to a provider, or to the guard, happen one after the other. Who needs both
/// takes the provider's first.
class ProviderLock {
public:
    virtual ~ProviderLock() = default;
    ProviderLock(const ProviderLock&) = delete;
    ProviderLock& operator=(const ProviderLock&) = delete;

    /// Waits until it is free. @throws StoreError  the lock file cannot be opened
    [[nodiscard]] virtual std::unique_ptr<HeldLock> hold(const std::string& provider) = 0;
    [[nodiscard]] virtual std::unique_ptr<HeldLock> hold_guard() = 0;  ///< As hold().

protected:
    ProviderLock() = default;
};

}  // namespace fip
