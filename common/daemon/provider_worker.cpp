#include "daemon/provider_worker.hpp"

#include "app/look.hpp"
#include "core/errors.hpp"
#include "runtime/log.hpp"
#include "runtime/provider_lock.hpp"

#include <algorithm>
#include <utility>

namespace fip::daemon {
namespace {

using std::chrono::milliseconds;

// However often settle() says "now": its own pauses are longer, this one stops a mistake from becoming a storm.
constexpr milliseconds shortest_pause{200};
constexpr milliseconds pause_after_trouble{5000};

}  // namespace

ProviderWorker::ProviderWorker(std::shared_ptr<const Setup> setup, std::string name, GuestsToTell guests, Bell& bell,
                               SharedGuard& guard, std::function<void(std::exception_ptr)> failed)
    : setup_{std::move(setup)},
      name_{std::move(name)},
      guests_{std::move(guests)},
      bell_{bell},
      guard_{guard},
      worker_{[this] { run(); }, std::move(failed)} {}

ProviderWorker::~ProviderWorker() {
    stop();
}

void ProviderWorker::stop() {
    is_stopped_ = true;
    bell_.ring();
}

bool ProviderWorker::has_ended(std::chrono::steady_clock::time_point deadline) const {
    return worker_.has_ended(deadline);
}

void ProviderWorker::run() {
    while (!is_stopped_) {
        try {
            Workplace place{setup_};
            server_key_ = known_server_key(place);
            work(place, OpenProvider{*setup_, name_, server_key_});
        } catch (const StoreBusy& busy) {
            log_.warn("store-busy", name_ + ": " + busy.what());  // it has waited for seconds already
        }
    }
}

void ProviderWorker::work(Workplace& place, const OpenProvider& provider) {
    std::uint64_t heard = 0;
    auto sync = Sync::after_change;
    while (!is_stopped_) {
        milliseconds pause = pause_after_trouble;
        const auto start = std::chrono::steady_clock::now();
        try {
            pause = round(place, provider, sync);
        } catch (const StoreBusy& busy) {
            log_.warn("store-busy", name_ + ": " + busy.what());
        } catch (const StoreError& error) {
            log_.warn("store-error", name_ + ": " + error.what());
        }
        if (is_stopped_) return;
        if (std::exchange(sync, Sync::when_due) != Sync::when_due) guests_.compare();
        (void)bell_.wait(heard, start + std::max(pause, shortest_pause));
    }
}

milliseconds ProviderWorker::round(Workplace& place, const OpenProvider& provider, Sync sync) {
    auto context = place.context();
    context.refresh_guard = [&] { (void)guard_.refresh(context, GuardKeeper::Depth::changes); };
    runtime::FileProviderLock lock{std::filesystem::path{setup_->settings.store_file}.parent_path()};
    const auto settled =
        settle(context, provider.access(), lock, sync, provider_call_limit, [this] { return is_stopped_.load(); });
    tell(settled);
    if (!is_stopped_) refresh_guard(context);
    for (const auto& guest : settled.guests) guests_.look(guest);
    if (settled.may_have_freed) guests_.waiting();
    keep_server_key(place, provider);
    const auto interval = setup_->settings.interval;
    if (!settled.next) return interval;
    return std::clamp(*settled.next - context.clock.now().wall, shortest_pause, interval);
}

std::string ProviderWorker::known_server_key(Workplace& place) const {
    std::string key;
    place.context().store.read([&](const Rows& rows) { key = rows.provider.status(name_).server_key; });
    return key;
}

void ProviderWorker::keep_server_key(Workplace& place, const OpenProvider& provider) {
    const auto key = provider.server_key();
    if (key.empty() || key == server_key_) return;
    place.context().store.write([&](Rows& rows) {
        auto status = rows.provider.status(name_);
        status.server_key = key;
        rows.provider.set_status(name_, status);
    });
    server_key_ = key;
}

/// Also where nothing was read: another process may have, and without an API the leases say what may leave.
void ProviderWorker::refresh_guard(const Context& context) {
    try {
        context.refresh_guard();
    } catch (const GuardError& error) {
        log_.write({{Happening::Level::error, "guard-failed", {}, "", {}, std::string{"guard: "} + error.what()}});
    }
}

void ProviderWorker::tell(const Settled& settled) {
    log_.write(settled.happenings);
    if (settled.problem == problem_) return;
    if (settled.problem.empty()) {
        runtime::log(runtime::Level::info, "provider-back", name_ + ": the provider answers again");
    } else {
        runtime::log(settled.is_refused ? runtime::Level::error : runtime::Level::warning, "provider-problem",
                     name_ + ": " + settled.problem);
    }
    problem_ = settled.problem;
}

}  // namespace fip::daemon
