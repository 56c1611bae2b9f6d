#pragma once

#include "app/settle.hpp"
#include "daemon/bell.hpp"
#include "daemon/event_log.hpp"
#include "daemon/guests_to_tell.hpp"
#include "daemon/setup.hpp"
#include "daemon/shared_guard.hpp"
#include "daemon/worker.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace fip::daemon {

/// Longest single call to a provider.
inline constexpr std::chrono::seconds provider_call_limit{10};

/// The thread that brings one provider and the store together: when the bell rings, when something is due, and once per
/// interval.
class ProviderWorker {
public:
    ProviderWorker(std::shared_ptr<const Setup> setup, std::string name, GuestsToTell guests, Bell& bell,
                   SharedGuard& guard, std::function<void(std::exception_ptr)> failed);
    ~ProviderWorker();

    void stop();  ///< Does not wait: a call to the provider that is under way ends first.
    [[nodiscard]] bool has_ended(std::chrono::steady_clock::time_point deadline) const;

private:
    void run();
    void work(Workplace& place, const OpenProvider& provider);
    /// How long to wait for the next round.
    [[nodiscard]] std::chrono::milliseconds round(Workplace& place, const OpenProvider& provider, Sync sync);
    [[nodiscard]] std::string known_server_key(Workplace& place) const;
    void keep_server_key(Workplace& place, const OpenProvider& provider);
    void tell(const Settled& settled);
    void refresh_guard(const Context& context);

    std::shared_ptr<const Setup> setup_;
    std::string name_;
    GuestsToTell guests_;
    Bell& bell_;
    SharedGuard& guard_;
    EventLog log_;
    std::string problem_;
    std::string server_key_;
    std::atomic<bool> is_stopped_{false};
    Worker worker_;  // last: it uses all of the above
};

}  // namespace fip::daemon
