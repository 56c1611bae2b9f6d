#include "daemon/provider_workers.hpp"

#include <algorithm>
#include <iterator>

namespace fip::daemon {

void ProviderWorkers::use(const std::shared_ptr<const Setup>& setup) {
    stop();
    std::ranges::move(working_, std::back_inserter(leaving_));
    working_.clear();
    forget_ended();
    for (const auto& [name, provider] : setup->settings.providers) {
        working_.push_back(std::make_unique<ProviderWorker>(setup, name, guests_, bell_, guard_, failed_));
    }
}

void ProviderWorkers::stop() {
    for (const auto& worker : working_) worker->stop();
}

bool ProviderWorkers::have_ended(std::chrono::steady_clock::time_point deadline) const {
    const auto has_ended = [&](const auto& worker) { return worker->has_ended(deadline); };
    return std::ranges::all_of(working_, has_ended) && std::ranges::all_of(leaving_, has_ended);
}

void ProviderWorkers::forget_ended() {
    std::erase_if(leaving_, [](const auto& worker) { return worker->has_ended(std::chrono::steady_clock::now()); });
}

}  // namespace fip::daemon
