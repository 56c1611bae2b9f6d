#pragma once

#include "app/guard.hpp"
#include "guard/nft_guard.hpp"
#include "guard/own_writes.hpp"
#include "runtime/provider_lock.hpp"
#include "setup.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

namespace fip::plugin {

/// The guard as all threads of the daemon share it: what one has written the others know of.
class SharedGuard {
public:
    explicit SharedGuard(std::shared_ptr<const Setup> setup)
        : setup_{std::move(setup)}, lock_{std::filesystem::path{setup_->settings.store_file}.parent_path()} {}

    /// From now on this configuration counts; a thread that still has another one changes nothing.
    void use(std::shared_ptr<const Setup> setup) {
        const std::lock_guard held{mutex_};
        setup_ = std::move(setup);
    }

    /// As GuardKeeper::refresh(). `context` is the calling thread's. Empty: it is of another configuration.
    std::optional<GuardKeeper::Refreshed> refresh(const Context& context, GuardKeeper::Depth depth) {
        const std::lock_guard held{mutex_};
        if (&context.settings != &setup_->settings) return {};
        return keeper_.refresh(context, depth);
    }
    [[nodiscard]] const std::shared_ptr<guard::OwnWrites>& writes() const { return writes_; }

private:
    std::shared_ptr<guard::OwnWrites> writes_ = std::make_shared<guard::OwnWrites>();
    std::mutex mutex_;
    std::shared_ptr<const Setup> setup_;
    guard::NftGuard kernel_{writes_};
    runtime::FileProviderLock lock_;
    GuardKeeper keeper_{kernel_, lock_};
};

}  // namespace fip::plugin
