#include "daemon/once.hpp"

#include "core/errors.hpp"
#include "daemon/neighbour.hpp"
#include "daemon/provider_worker.hpp"
#include "daemon/report.hpp"
#include "daemon/shared_guard.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/provider_lock.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>

namespace fip::daemon {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds soon{3000};  // what is due within this time is waited for
constexpr std::chrono::minutes longest{2};
constexpr int most_rounds = 10;

/// A folder that goes with the object.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string name = std::filesystem::temp_directory_path() / "failover-ip.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make a folder in " + name};
        path_ = name;
    }
    ~ScratchFolder() {
        std::error_code ignored;  // what stays is an empty store in the system's temp folder
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

constexpr int exit_unavailable = 3;  // as everywhere: try again

/// What was due at a guest could not be done; its line says why.
bool is_failure(const Happening& step) {
    return step.level == Happening::Level::error || step.id == "guest-unavailable";
}

class Once {
public:
    Once(const Options& options, const std::shared_ptr<const Setup>& setup, const GuestsAtOnce& guests)
        : options_{options}, setup_{setup}, guests_{guests} {
        const std::filesystem::path file = setup_->settings.store_file;
        if (options_.effects == Effects::apply) {
            place_.emplace(setup_);
        } else if (std::filesystem::exists(file)) {
            place_.emplace(setup_, store::Access::read_only);
        } else {
            // Nothing is written to a host that has no store yet: the plan is made on an empty one elsewhere.
            scratch_.emplace();
            place_.emplace(setup_, scratch_->path() / "leases.db", store::Access::create);
        }
    }

    int run() {
        if (options_.effects == Effects::apply || scratch_) take_inventories();
        look_at_everything();
        if (options_.effects == Effects::apply) {
            settle_everything();
        } else {
            for (const auto& [name, provider] : setup_->settings.providers) {
                add(planned_provider_steps(place_->context(), name));
                report_.providers.push_back({name, last_error(name)});
            }
        }
        std::cout << (options_.is_json ? report_json(report_) : report_text(report_, options_.effects)) << std::flush;
        const bool is_braked = options_.effects == Effects::apply && !report_.all.would_end.empty();
        const bool has_failed = is_braked || std::ranges::any_of(report_.steps, is_failure);
        if (!report_.all.listing.gaps.empty() || is_refused_ || has_failed) return 1;
        return is_unavailable_ ? exit_unavailable : 0;
    }

private:
    void add(std::vector<Happening> happenings) { std::ranges::move(happenings, std::back_inserter(report_.steps)); }

    void take_inventories() {
        for (const auto& [name, provider] : setup_->settings.providers) {
            const OpenProvider opened{*setup_, name, {}};
            take_inventory(place_->context(), opened.access());
        }
    }

    void look_at_everything() {
        const auto context = place_->context();
        if (options_.effects == Effects::apply && guests_.is_all_there) look_at_waiting();
        try {
            report_.all = look_at_all(context, guests_.source, options_.effects, options_.permission);
        } catch (const GuestsUnavailable& away) {
            report_.all.listing.gaps.emplace_back(away.what());
        }
        add(std::exchange(report_.all.happenings, {}));
    }

    /// Leases change at the provider, guests follow, and freed addresses go to those that wait; until it is quiet.
    void settle_everything() {
        const auto end = Steady::now() + longest;
        std::map<std::string, OpenProvider> opened;
        for (const auto& [name, provider] : setup_->settings.providers) opened.try_emplace(name, *setup_, name, "");
        for (int round = 0; round < most_rounds && Steady::now() < end; ++round) {
            report_.providers.clear();
            touched_.clear();
            bool has_freed = false;
            for (const auto& [name, provider] : opened) has_freed = settle_one(name, provider, end) || has_freed;
            for (const auto& guest : touched_) look_at_one(guest);
            if (has_freed) {
                look_at_waiting();
                neighbour_.look_at_waiting();
            }
            if (touched_.empty() && !has_freed) return;
        }
    }

    bool settle_one(const std::string& name, const OpenProvider& provider, Steady::time_point end) {
        runtime::FileProviderLock lock{std::filesystem::path{setup_->settings.store_file}.parent_path()};
        bool has_freed = false;
        for (;;) {
            auto context = place_->context();
            context.refresh_guard = [&] { (void)guard_.refresh(context, GuardKeeper::Depth::changes); };
            auto settled = settle(context, provider.access(), lock, Sync::after_change, provider_call_limit,
                                  [&] { return Steady::now() >= end; });
            add(std::move(settled.happenings));
            std::ranges::move(settled.guests, std::back_inserter(touched_));
            has_freed = has_freed || settled.may_have_freed;
            const auto now = context.clock.now().wall;
            const bool is_quiet = !settled.next || *settled.next - now > soon || Steady::now() + soon >= end;
            if (settled.is_unavailable || settled.is_refused || is_quiet) {
                is_refused_ = is_refused_ || settled.is_refused;
                is_unavailable_ = is_unavailable_ || settled.is_unavailable;
                report_.providers.push_back({name, settled.problem});
                return has_freed;
            }
            std::this_thread::sleep_for(std::max<milliseconds>(*settled.next - now, milliseconds{50}));
        }
    }

    void look_at_one(const GuestId& id) {
        if (id.kind != guests_.kind) return neighbour_.look(id);
        try {
            if (const auto guest = guests_.source.find(id)) {
                add(look_at(place_->context(), guests_.source, *guest).happenings);
            }
        } catch (const GuestsUnavailable& away) {
            report_.all.listing.gaps.emplace_back(away.what());
        } catch (const InputError& wrong) {
            report_.steps.push_back({Happening::Level::error, "guest-refused", id, "", {}, wrong.what()});
        }
    }

    void look_at_waiting() {
        for (const auto& guest : waiting_guests(place_->context())) {
            if (guest.kind == guests_.kind) look_at_one(guest);
        }
    }

    [[nodiscard]] std::string last_error(const std::string& provider) {
        std::string error;
        place_->context().store.read([&](const Rows& rows) { error = rows.provider.status(provider).last_error; });
        return error;
    }

    const Options& options_;
    std::shared_ptr<const Setup> setup_;
    std::optional<ScratchFolder> scratch_;
    std::optional<Workplace> place_;
    GuestsAtOnce guests_;
    Neighbour neighbour_{runtime::socket_of(other_kind(guests_.kind))};
    SharedGuard guard_{setup_};
    bool is_refused_ = false;
    bool is_unavailable_ = false;
    std::vector<GuestId> touched_;
    Report report_;
};

}  // namespace

int run_once(const Options& options, const std::shared_ptr<const Setup>& setup, const GuestsAtOnce& guests) {
    Once once{options, setup, guests};
    return once.run();
}

}  // namespace fip::daemon
