#include "daemon.hpp"

#include "bell.hpp"
#include "config/load.hpp"
#include "core/errors.hpp"
#include "event_loop.hpp"
#include "guard_worker.hpp"
#include "guest_worker.hpp"
#include "notify.hpp"
#include "provider_workers.hpp"
#include "runtime/log.hpp"
#include "runtime/run_main.hpp"
#include "setup.hpp"
#include "shared_guard.hpp"
#include "signals.hpp"
#include "socket_server.hpp"
#include "tasks.hpp"
#include "worker.hpp"

#include <unistd.h>

#include <atomic>

namespace fip::plugin {
namespace {

using runtime::Level;
using runtime::log;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds stop_limit{1500};
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
    Daemon(const Options& options, std::shared_ptr<const Setup> setup, Signals& signals)
        : options_{options},
          setup_{std::move(setup)},
          signals_{signals},
          socket_{options.socket,
                  {[this](std::string_view uuid) {
                       tasks_.push({Task::Kind::look, std::string{uuid}, {}, 0, {}});
                   },
                   [this] {
                       tasks_.push({Task::Kind::claimed, {}, {}, 0, {}});
                   },
                   [this] { bell_.ring(); },
                   [this] {
                       bell_.ring();
                       tasks_.push({Task::Kind::waiting, {}, {}, 0, {}});
                   }}},
          guard_{setup_},
          guard_worker_{setup_, guard_, failed()},
          guests_{setup_, tasks_, bell_},
          socket_worker_{[this] { socket_.run(); }, failed()},
          guest_worker_{[this] { guests_.run(); }, failed()},
          providers_{tasks_, bell_, guard_, failed()} {
        providers_.use(setup_);
    }

    /// After stop(): with threads that do not come back (a provider that does not answer, a libvirtd that hangs) the
    /// process just ends. It may be killed anywhere, so this is as good as any other end.
    ~Daemon() {
        stop();
        const auto deadline = Steady::now() + stop_limit;
        if (guest_worker_.has_ended(deadline) && providers_.have_ended(deadline) && guard_worker_.has_ended(deadline) &&
            socket_worker_.has_ended(deadline)) {
            return;
        }
        log(Level::info, "stopped-midway", "a call was still open; what it was for is done at the next start");
        ::unlink(options_.socket.c_str());
        ::_exit(exit_code_);
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    int run() {
        notify("READY=1\nSTATUS=watching " + std::to_string(setup_->settings.libvirt_uris.size()) +
               " libvirt driver(s)");
        log(Level::info, "ready", "failover-ip-libvirt " FIP_VERSION " is ready");
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
    std::function<void(std::exception_ptr)> failed() {
        return [this](std::exception_ptr problem) {
            // As at the end of main(): said once, and systemd starts us again.
            const int code = runtime::run_main("failover-ip-libvirt", runtime::Report::to_journal,
                                               [&]() -> int { std::rethrow_exception(problem); });
            exit_code_ = code == 0 ? 1 : code;
            signals_.raise_stop();
        };
    }

    [[nodiscard]] bool is_stuck() const {
        const auto since = guests_.busy_since();
        return since != Steady::time_point{} && Steady::now() - since > longest_task;
    }

    void reload() {
        notify("RELOADING=1");
        try {
            auto fresh = load_setup(options_.config);
            if (fresh->settings.store_file != setup_->settings.store_file) {
                throw InputError{"store.url has changed: that needs a restart"};
            }
            setup_ = std::move(fresh);
            remember(options_);
            tasks_.push({Task::Kind::reload, {}, {}, 0, setup_});
            guard_.use(setup_);
            providers_.use(setup_);
            guard_worker_.use(setup_);
            log(Level::info, "reloaded", options_.config.string());
        } catch (const InputError& wrong) {
            runtime::log_lines(Level::error, "reload-refused", wrong.what());
            log(Level::error, "reload-refused", "the configuration of before is still in use");
        }
        notify("READY=1");
    }

    void stop() {
        notify("STOPPING=1");
        tasks_.stop();
        providers_.stop();
        guard_worker_.stop();
        socket_.stop();
    }

    const Options& options_;
    std::shared_ptr<const Setup> setup_;
    Signals& signals_;
    std::atomic<int> exit_code_{0};
    EventLoop loop_;
    Tasks tasks_;
    Bell bell_;
    SocketServer socket_;
    SharedGuard guard_;
    GuardWorker guard_worker_;
    GuestWorker guests_;
    Worker socket_worker_;
    Worker guest_worker_;
    ProviderWorkers providers_;
};

}  // namespace

int run_daemon(const Options& options) {
    Signals signals;  // before the first thread: all inherit the mask
    auto setup = load_setup(options.config);
    remember(options);
    Daemon daemon{options, std::move(setup), signals};
    return daemon.run();
}

}  // namespace fip::plugin
