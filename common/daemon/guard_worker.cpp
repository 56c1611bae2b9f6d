#include "daemon/guard_worker.hpp"

#include "core/errors.hpp"
#include "guard/generation.hpp"
#include "guard/guard_watch.hpp"
#include "runtime/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <variant>
#include <vector>

namespace fip::daemon {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;
using Depth = GuardKeeper::Depth;

constexpr milliseconds pause_after_trouble = 2s;
constexpr milliseconds between_counts = 5s;
constexpr milliseconds between_rewrites = 3s;
constexpr milliseconds between_tries = 10s;  // to be the one who hears of blocked frames

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

/// True: woken. Empties the counter.
bool take_wake(int file) {
    std::uint64_t count = 0;
    return ::read(file, &count, sizeof count) == static_cast<ssize_t>(sizeof count);
}

}  // namespace

/// What a round of events asks for.
struct GuardWorker::Heard {
    bool look_at_rules = false;    ///< Somebody else wrote to our tables.
    bool look_at_devices = false;  ///< A guarded uplink came, went or changed.
    bool look_at_bridges = false;  ///< Some other device did.
    bool was_missed = false;       ///< More happened than we were told.
    struct Change {
        std::uint32_t generation = 0;
        std::string who;
    };
    std::vector<Change> changes{};  ///< Of our tables, not by this process.
    std::vector<guard::Sender> blocked{};
    [[nodiscard]] bool is_anything() const { return look_at_rules || look_at_devices || look_at_bridges || was_missed; }
};

GuardWorker::GuardWorker(std::shared_ptr<const Setup> setup, SharedGuard& guard,
                         std::function<void(std::exception_ptr)> failed)
    : setup_{std::move(setup)},
      guard_{guard},
      senders_{guard},
      wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      worker_{[this] { run(); }, std::move(failed)} {}

GuardWorker::~GuardWorker() {
    stop();
    (void)worker_.has_ended(Steady::now() + 1min);  // it uses the descriptor
    ::close(wake_);
}

void GuardWorker::stop() noexcept {
    is_stopped_ = true;
    wake();
}

void GuardWorker::wake() const noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);  // a full counter wakes as well
}

void GuardWorker::use(std::shared_ptr<const Setup> setup) {
    {
        const std::lock_guard held{mutex_};
        setup_ = std::move(setup);
    }
    wake();
}

std::shared_ptr<const Setup> GuardWorker::current_setup() const {
    const std::lock_guard held{mutex_};
    return setup_;
}

void GuardWorker::run() {
    if (wake_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
    while (!is_stopped_) {
        try {
            Workplace place{current_setup()};
            work(place);
        } catch (const StoreBusy& busy) {
            log_.warn("store-busy", std::string{"guard: "} + busy.what());
        } catch (const StoreError& error) {
            log_.warn("store-error", std::string{"guard: "} + error.what());
        } catch (const GuardError& error) {
            log_.write({{Happening::Level::error, "guard-failed", {}, "", {}, std::string{"guard: "} + error.what()}});
        }
        if (is_stopped_) return;
        pollfd woken{wake_, POLLIN, 0};
        (void)::poll(&woken, 1, static_cast<int>(pause_after_trouble.count()));
    }
}

/// Whoever had the log group may have ended. Empty: it has not. The new watch hears everything from now on, so that
/// nothing is missed when it takes the place of the old one.
std::unique_ptr<guard::GuardWatch> GuardWorker::listening() {
    auto fresh = std::make_unique<guard::GuardWatch>();
    if (!fresh->hears_blocked()) return {};
    runtime::log(runtime::Level::info, "guard-hears", "the guard's log group is free: senders are named from now on");
    return fresh;
}

/// Until stopped, or another configuration is there.
void GuardWorker::work(Workplace& place) {
    auto watch = std::make_unique<guard::GuardWatch>();  // before the first look, so that nothing is missed
    const auto setup = current_setup();
    if (!watch->hears_blocked()) {
        log_.warn("guard-deaf",
                  "another program listens to the guard's log group (where several daemons of ours run, one of them "
                  "does): senders stand in guard status only");
    }
    (void)take_wake(wake_);
    refresh(place.context(), {.look_at_rules = true});
    auto count_at = Steady::now();
    auto listen_at = Steady::now() + between_tries;
    for (;;) {
        std::array<pollfd, 2> files{{{wake_, POLLIN, 0}, {watch->descriptor(), POLLIN, 0}}};
        auto wake_at = watch->hears_blocked() ? count_at : std::min(count_at, listen_at);
        if (is_look_owed_) wake_at = std::min(wake_at, trust_until_);
        const auto limit = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(wake_at - Steady::now()));
        (void)::poll(files.data(), files.size(), static_cast<int>(limit.count()));
        if (is_stopped_) return;
        if (current_setup() != setup) {
            count(place.context());  // the other configuration may know no guard
            return;
        }
        if (files[0].revents != 0) (void)take_wake(wake_);
        const bool is_due = Steady::now() >= count_at;
        Heard heard;
        if (is_due) heard.was_missed = have_rules_changed();
        for (const auto& event : watch->read()) take(event, heard);
        if (!watch->hears_blocked() && Steady::now() >= listen_at) {
            listen_at = Steady::now() + between_tries;
            if (auto fresh = listening()) {
                for (const auto& event : watch->read()) take(event, heard);
                watch = std::move(fresh);
            }
        }
        const auto context = place.context();
        if (is_look_owed_ && Steady::now() >= trust_until_) heard.look_at_rules = true;
        if (heard.is_anything()) refresh(context, heard);
        for (const auto& sender : heard.blocked) {
            guarded([&] { senders_.heard(context, uplinks_, sender, log_); });
        }
        // Whoever sends a lot fills the kernel's small set: soon after the first word, and then once per comparison.
        if (!heard.blocked.empty()) count_at = std::min(count_at, Steady::now() + between_counts);
        if (!is_due) continue;
        count(context);
        count_at = Steady::now() + setup->settings.interval;
    }
}

void GuardWorker::count(const Context& context) {
    if (!uplinks_.empty()) guarded([&] { senders_.take_counts(context, uplinks_, log_); });
}

/// Any rule of anybody, as the kernel counts them: where it has the same number nothing was changed, nor missed.
bool GuardWorker::have_rules_changed() const {
    const auto number = guard::ruleset_generation();
    return !number || number != looked_at_;
}

/// Without them the guard is watched all the same.
void GuardWorker::guarded(const std::function<void()>& statistics) {
    try {
        statistics();
    } catch (const GuardError& error) {
        log_.warn("guard-uncounted", error.what());
    } catch (const StoreBusy& busy) {
        log_.warn("guard-uncounted", busy.what());
    } catch (const StoreError& error) {
        log_.warn("guard-uncounted", error.what());
    }
}

void GuardWorker::take(const guard::GuardEvent& event, Heard& heard) const {
    if (const auto* changed = std::get_if<guard::RulesChanged>(&event)) {
        if (guard_.writes()->made(changed->generation)) return;
        heard.look_at_rules = true;
        heard.changes.push_back({changed->generation, changed->program + " (" + std::to_string(changed->pid) + ")"});
    } else if (const auto* link = std::get_if<guard::LinkChanged>(&event)) {
        (uplinks_.contains(link->name) ? heard.look_at_devices : heard.look_at_bridges) = true;
    } else if (const auto* blocked = std::get_if<guard::FrameBlocked>(&event)) {
        heard.blocked.push_back({blocked->uplink, blocked->port, blocked->mac, blocked->is_raw});
    } else {
        // Writing thousands of MACs is more than the kernel keeps for us: writing again would go on for ever.
        heard.was_missed = true;
    }
}

/// What another daemon of ours wrote is right, unless it has another plan: a comparison tells.
void GuardWorker::leave_to_neighbours(Heard& heard) const {
    if (heard.changes.empty()) return;
    static_cast<void>(guard_.turns().hold_guard());  // whoever wrote what we have heard of has noted it now
    const auto is_theirs = [&](const Heard::Change& change) { return guard_.turns().made(change.generation); };
    if (std::erase_if(heard.changes, is_theirs) > 0) heard.was_missed = true;
    heard.look_at_rules = !heard.changes.empty();
}

void GuardWorker::refresh(const Context& context, Heard heard) {
    leave_to_neighbours(heard);
    // Where others write rules all the time, ours cannot be told from theirs: after a rewrite that found nothing wrong
    // a comparison has to do for a while.
    const bool is_weary = Steady::now() < trust_until_;
    const auto depth = heard.look_at_devices || (heard.look_at_rules && !is_weary) ? Depth::everything
                       : heard.look_at_rules || heard.was_missed                   ? Depth::doubt
                                                                                   : Depth::changes;
    const auto number = guard::ruleset_generation();
    const auto done = guard_.refresh(context, depth);
    if (!done) return;  // another configuration is there: work() ends
    if (depth != Depth::changes) looked_at_ = number;
    if (done->was_changed) repaired_ = guard::ruleset_generation().value_or(repaired_);
    is_look_owed_ = depth != Depth::everything && (is_look_owed_ || heard.look_at_rules);
    if (heard.look_at_rules && !done->was_changed) trust_until_ = Steady::now() + between_rewrites;
    uplinks_.clear();
    if (!done->was_down) {
        for (const auto& rules : done->plan.rules) uplinks_[rules.uplink] = rules.mode;
    }
    tell(*done, heard);
}

void GuardWorker::tell(const GuardKeeper::Refreshed& done, const Heard& heard) {
    // It may be heard of after a comparison has undone it.
    const auto undone =
        std::ranges::find_if(heard.changes, [&](const Heard::Change& change) { return change.generation < repaired_; });
    if (undone != heard.changes.end()) {
        runtime::log(runtime::Level::error, "guard-restored",
                     undone->who +
                         " changed the guard's tables, which is undone: take the guard down with failover-ip guard "
                         "down");
    }
    for (const auto& bridge : done.plan.bridges) {
        auto text = bridge.problem;
        auto level = runtime::Level::warning;
        if (text.empty()) {
            level = runtime::Level::info;
            text = "the guard is off";
            if (!bridge.uplinks.empty()) {
                text = std::string{"the guard is "} +
                       (done.was_down                       ? "down"
                        : bridge.mode == GuardMode::observe ? "watching"
                                                            : "up") +
                       " at " + joined(bridge.uplinks);
            }
        }
        auto& told = told_[bridge.bridge];
        if (told == text) continue;
        runtime::log(level, bridge.problem.empty() ? "guard-state" : "guard-problem", bridge.bridge + ": " + text);
        told = std::move(text);
    }
}

}  // namespace fip::daemon
