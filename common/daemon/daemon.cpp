#include "daemon/daemon.hpp"

#include "config/load.hpp"
#include "core/errors.hpp"
#include "daemon/bell.hpp"
#include "daemon/guard_worker.hpp"
#include "daemon/neighbour.hpp"
#include "daemon/notify.hpp"
#include "daemon/provider_workers.hpp"
#include "daemon/shared_guard.hpp"
#include "daemon/signals.hpp"
#include "daemon/socket_server.hpp"
#include "daemon/worker.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/log.hpp"
#include "runtime/run_main.hpp"

#include <unistd.h>

#include <atomic>

namespace fip::daemon {
namespace {

using runtime::Level;
using runtime::log;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds stop_limit{1500};  // of all threads but the guests'
constexpr std::chrono::minutes longest_task{5};

void remember(const Options& options) {
    try {
        config::remember(options.config);
    } catch (const InputError& wrong) {
        log(Level::warning, "config-not-remembered", wrong.what());  // hooks go on with the copy of before
    }
}

/// All threads of the daemon, and the main thread's part: signals and the watchdog.
class Daemon {
public:
    Daemon(const Program& program, const Options& options, std::shared_ptr<const Setup> setup, Signals& signals,
           const MakeGuestWatcher& make_guests)
        : program_{program},
          options_{options},
          setup_{std::move(setup)},
          signals_{signals},
          neighbour_{runtime::socket_of(other_kind(program.kind))},
          socket_{options.socket, requests()},
          guard_{setup_},
          guard_worker_{setup_, guard_, failed()},
          guests_{make_guests(setup_, [this] { leases_changed(); })},
          socket_worker_{[this] { socket_.run(); }, failed()},
          guest_worker_{[this] { guests_->run(); }, failed()},
          providers_{guests_to_tell(), bell_, guard_, failed()} {
        providers_.use(setup_);
    }

    /// After stop(): with threads that do not come back (a provider that does not answer, a hypervisor that hangs) the
    /// process just ends. It may be killed anywhere, so this is as good as any other end.
    ~Daemon() {
        stop();
        const auto deadline = Steady::now() + stop_limit;
        const auto guests_deadline = Steady::now() + guests_->longest_stop();
        if (guest_worker_.has_ended(guests_deadline) && providers_.have_ended(deadline) &&
            guard_worker_.has_ended(deadline) && socket_worker_.has_ended(deadline)) {
            return;
        }
        log(Level::info, "stopped-midway", "a call was still open; what it was for is done at the next start");
        ::unlink(options_.socket.c_str());
        ::_exit(exit_code_);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    int run() {
        notify("READY=1\nSTATUS=" + guests_->status());
        log(Level::info, "ready", program_.name + " " FIP_VERSION " is ready");
        const auto watchdog = watchdog_interval();
        for (;;) {
            const auto came = signals_.wait(watchdog / 2);
            providers_.forget_ended();
            if (came == Signals::Came::stop) return exit_code_;
            if (came == Signals::Came::reload) reload();
            if (watchdog.count() > 0 && !is_stuck()) notify("WATCHDOG=1");
        }
    }

private:
    /// Of hooks, of the command line, and of the neighbour, who is not told again what it has told us.
    SocketServer::Requests requests() {
        return {[this](std::string_view id) { return guests_->look(id); },
                [this](std::string_view id) { return guests_->announce_start(id); },
                [this] { bell_.ring(); },
                [this] {
                    bell_.ring();
                    guests_->look_at_waiting();
                },
                [this] { guests_->look_at_waiting(); },
                [this] {
                    is_told_to_reload_ = true;
                    Signals::raise_reload();
                }};
    }

    GuestsToTell guests_to_tell() {
        return {[this](const GuestId& guest) {
                    if (guest.kind == program_.kind) {
                        (void)guests_->look(guest.value);
                    } else {
                        neighbour_.look(guest);
                    }
                },
                [this] {
                    guests_->look_at_waiting();
                    neighbour_.look_at_waiting();
                },
                [this] { guests_->compare(); }};
    }

    void leases_changed() {
        bell_.ring();
        guests_->look_at_waiting();  // without an API an address may be free at once
        neighbour_.look_at_waiting();
    }

    std::function<void(std::exception_ptr)> failed() {
        return [this](std::exception_ptr problem) {
            // As at the end of main(): said once, and systemd starts us again.
            const int code = runtime::run_main(program_.name, runtime::Report::to_journal,
                                               [&]() -> int { std::rethrow_exception(problem); });
            exit_code_ = code == 0 ? 1 : code;
            signals_.raise_stop();
        };
    }

    [[nodiscard]] bool is_stuck() const {
        const auto since = guests_->busy_since();
        return since != Steady::time_point{} && Steady::now() - since > longest_task;
    }

    void reload() {
        notify("RELOADING=1");
        const bool is_told = is_told_to_reload_.exchange(false);
        try {
            auto fresh = load_setup(options_.config);
            if (fresh->settings.store_file != setup_->settings.store_file) {
                throw InputError{"store.url has changed: that needs a restart"};
            }
            setup_ = std::move(fresh);
            remember(options_);
            guests_->use(setup_);
            guard_.use(setup_);
            providers_.use(setup_);
            guard_worker_.use(setup_);
            log(Level::info, "reloaded", options_.config.string());
            if (!is_told) neighbour_.reload();
        } catch (const InputError& wrong) {
            runtime::log_lines(Level::error, "reload-refused", wrong.what());
            log(Level::error, "reload-refused", "the configuration of before is still in use");
        }
        notify("READY=1");
    }

    void stop() {
        notify("STOPPING=1");
        guests_->stop();
        providers_.stop();
        guard_worker_.stop();
        socket_.stop();
    }

    const Program& program_;
    const Options& options_;
    std::shared_ptr<const Setup> setup_;
    Signals& signals_;
    std::atomic<int> exit_code_{0};
    std::atomic<bool> is_told_to_reload_{false};  ///< By the neighbour, who is not told back.
    Bell bell_;
    Neighbour neighbour_;
    SocketServer socket_;
    SharedGuard guard_;
    GuardWorker guard_worker_;
    std::unique_ptr<GuestWatcher> guests_;
    Worker socket_worker_;
    Worker guest_worker_;
    ProviderWorkers providers_;
};

}  // namespace

int run_daemon(const Program& program, const Options& options, const MakeGuestWatcher& make_guests) {
    Signals signals;  // before the first thread: all inherit the mask
    auto setup = load_setup(options.config);
    remember(options);
    Daemon daemon{program, options, std::move(setup), signals, make_guests};
    return daemon.run();
}

}  // namespace fip::daemon
