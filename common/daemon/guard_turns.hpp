#pragma once

#include "guard/own_writes.hpp"
#include "runtime/provider_lock.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace fip::daemon {

/// The guard's lock among the daemons of a host, and beside it which changes of the rules they made: what one of them
/// writes must not look to the other like somebody else's doing. Threads may share it.
class GuardTurns final : public ProviderLock {
public:
    GuardTurns(const std::filesystem::path& folder, std::shared_ptr<const guard::OwnWrites> own)
        : lock_{folder}, file_{folder / "guard.writes"}, own_{std::move(own)} {}

    [[nodiscard]] std::unique_ptr<HeldLock> hold(const std::string& provider) override { return lock_.hold(provider); }
    /// When it ends, what was written by us meanwhile is noted, as long as the lock is still held.
    [[nodiscard]] std::unique_ptr<HeldLock> hold_guard() override;

    /// Whether a daemon of ours made this change. Certain only after a turn that began when it was heard of already.
    [[nodiscard]] bool made(std::uint32_t generation) const noexcept;

private:
    class Turn;
    runtime::FileProviderLock lock_;
    std::filesystem::path file_;
    std::shared_ptr<const guard::OwnWrites> own_;
};

}  // namespace fip::daemon
