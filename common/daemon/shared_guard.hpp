#pragma once

#include "app/guard.hpp"
#include "daemon/guard_turns.hpp"
#include "daemon/setup.hpp"
#include "guard/nft_guard.hpp"
#include "guard/own_writes.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

namespace fip::daemon {

/// The guard as all threads of the daemon share it: what one has written the others know of.
class SharedGuard {
public:
    explicit SharedGuard(std::shared_ptr<const Setup> setup)
        : setup_{std::move(setup)}, turns_{std::filesystem::path{setup_->settings.store_file}.parent_path(), writes_} {}

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
    [[nodiscard]] GuardTurns& turns() { return turns_; }

private:
    std::shared_ptr<guard::OwnWrites> writes_ = std::make_shared<guard::OwnWrites>();
    std::mutex mutex_;
    std::shared_ptr<const Setup> setup_;
    guard::NftGuard kernel_{writes_};
    GuardTurns turns_;
    GuardKeeper keeper_{kernel_, turns_};
};

}  // namespace fip::daemon
