#pragma once

#include "daemon/provider_worker.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace fip::daemon {

/// The workers of all configured providers.
class ProviderWorkers {
public:
    ProviderWorkers(GuestsToTell guests, Bell& bell, SharedGuard& guard, std::function<void(std::exception_ptr)> failed)
        : guests_{std::move(guests)}, bell_{bell}, guard_{guard}, failed_{std::move(failed)} {}

    /// Go on with another configuration. The old workers end in their own time; the provider's lock keeps the new ones
    /// from writing at the same moment.
    void use(const std::shared_ptr<const Setup>& setup);
    void stop();
    [[nodiscard]] bool have_ended(std::chrono::steady_clock::time_point deadline) const;
    void forget_ended();

private:
    GuestsToTell guests_;
    Bell& bell_;
    SharedGuard& guard_;
    std::function<void(std::exception_ptr)> failed_;
    std::vector<std::unique_ptr<ProviderWorker>> working_;
    std::vector<std::unique_ptr<ProviderWorker>> leaving_;
};

}  // namespace fip::daemon
