#pragma once

#include "app/guard.hpp"
#include "guard/nft_guard.hpp"
#include "guard/own_writes.hpp"
#include "runtime/provider_lock.hpp"

#include <filesystem>
#include <memory>
#include <mutex>

namespace fip::plugin {

/// The guard as all threads of the daemon share it: what one has written the others know of.
class SharedGuard {
public:
    explicit SharedGuard(std::filesystem::path folder) : lock_{std::move(folder)} {}

    /// As GuardKeeper::refresh(). `context` is the calling thread's.
    GuardKeeper::Refreshed refresh(const Context& context, GuardKeeper::Depth depth) {
        const std::lock_guard held{mutex_};
        return keeper_.refresh(context, depth);
    }
    [[nodiscard]] bool made(std::uint32_t generation) const { return writes_->made(generation); }

private:
    std::shared_ptr<guard::OwnWrites> writes_ = std::make_shared<guard::OwnWrites>();
    std::mutex mutex_;
    guard::NftGuard kernel_{writes_};
    runtime::FileProviderLock lock_;
    GuardKeeper keeper_{kernel_, lock_};
};

}  // namespace fip::plugin
