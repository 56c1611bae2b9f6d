#pragma once

#include "ports/provider_lock.hpp"

#include <filesystem>

namespace fip::runtime {

/// flock() on `provider-NAME.lock` and `guard.lock` in the store's folder. Each hold() opens anew, so threads of one
/// process exclude each other too; the kernel lets go when the process ends. The file stays: removing it would let two
/// hold it.
class FileProviderLock final : public ProviderLock {
public:
    explicit FileProviderLock(std::filesystem::path folder) : folder_{std::move(folder)} {}
    [[nodiscard]] std::unique_ptr<HeldLock> hold(const std::string& provider) override;
    [[nodiscard]] std::unique_ptr<HeldLock> hold_guard() override;

private:
    std::filesystem::path folder_;
};

}  // namespace fip::runtime
