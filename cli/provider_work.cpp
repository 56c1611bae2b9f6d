#include "provider_work.hpp"

#include "app/guard.hpp"
#include "config/token.hpp"
#include "core/errors.hpp"
#include "core/time.hpp"
#include "guard/nft_guard.hpp"
#include "providers/open.hpp"
#include "providers/traits.hpp"
#include "runtime/provider_lock.hpp"
#include "runtime/system_clock.hpp"
#include "store/sqlite_lease_store.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace fip::cli {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto longest_call = 10s;
constexpr auto shortest_pause = 200ms;
/// A provider that cannot be reached for longer is for the daemon, not for somebody who waits.
constexpr auto patience = 10s;

std::uint64_t random_bits() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

class Bench {
public:
    explicit Bench(const Settings& settings)
        : settings_{settings},
          store_{settings.store_file, 10s, store::Access::create},
          lock_{std::filesystem::path{settings.store_file}.parent_path()} {
        for (const auto& [name, provider] : settings.providers) traits_[name] = providers::traits_of(provider.type);
    }

    [[nodiscard]] Context context() {
        auto context = quiet_context();
        context.refresh_guard = [this] { (void)guard_.refresh(quiet_context(), GuardKeeper::Depth::changes); };
        return context;
    }
    [[nodiscard]] ProviderLock& lock() { return lock_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] bool has_api(const std::string& provider) const { return traits_.at(provider).has_api; }

private:
    [[nodiscard]] Context quiet_context() { return {settings_, traits_, store_, clock_, random_bits, {}}; }

    const Settings& settings_;
    std::map<std::string, ProviderTraits> traits_;
    store::SqliteLeaseStore store_;
    runtime::FileProviderLock lock_;
    runtime::SystemClock clock_;
    guard::NftGuard kernel_;
    GuardKeeper guard_{kernel_, lock_};
};

class OpenProvider {
public:
    OpenProvider(Bench& bench, const std::string& name) : bench_{bench}, name_{name} {
        providers::OpenContext context;
        if (bench.has_api(name)) context.token = config::read_token(bench.settings().providers.at(name)).reveal();
        bench.context().store.read([&](const Rows& rows) { known_key_ = rows.provider.status(name).server_key; });
        context.server_key = known_key_;
        provider_ = providers::open(bench.settings().providers.at(name), std::move(context));
    }

    Settled settle_once(Sync sync, Steady::time_point end) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Steady::now());
        const auto limit = std::clamp<std::chrono::milliseconds>(left, 1ms, longest_call);
        const ProviderAccess access{name_, provider_.api.get(), provider_.rdns.get(),
                                    [this] { return provider_.fixed; }};
        auto settled =
            settle(bench_.context(), access, bench_.lock(), sync, limit, [end] { return Steady::now() >= end; });
        keep_server_key();
        return settled;
    }

private:
    void keep_server_key() {
        const auto key = provider_.server_key();
        if (key.empty() || key == known_key_) return;
        bench_.context().store.write([&](Rows& rows) {
            auto status = rows.provider.status(name_);
            status.server_key = key;
            rows.provider.set_status(name_, status);
        });
        known_key_ = key;
    }

    Bench& bench_;
    std::string name_;
    std::string known_key_;
    providers::Provider provider_;
};

ProviderResult result_of(const std::string& provider, const Settled& settled) {
    return {provider, settled.problem, settled.is_unavailable, settled.is_refused, {}};
}

void tell(const Settled& settled, const Progress& progress) {
    for (const auto& happening : settled.happenings) {
        progress((happening.address ? happening.address->text() + ": " : std::string{}) + happening.text);
    }
}

// A lease that is held and active may still have its reverse name on the way: that runs behind.
bool is_on_its_way(LeaseState state) {
    return state == LeaseState::pending || state == LeaseState::releasing;
}

std::vector<std::string> still_open(Bench& bench, const std::string& provider, const std::vector<Address>& addresses) {
    std::vector<std::string> open;
    bench.context().store.read([&](const Rows& rows) {
        for (const auto& address : addresses) {
            const auto lease = rows.leases.find(address);
            if (lease && lease->provider == provider && is_on_its_way(lease->state)) open.push_back(address.text());
        }
    });
    return open;
}

ProviderResult settle_at(Bench& bench, const std::string& name, const std::vector<Address>& addresses,
                         Steady::time_point end, const Progress& progress) {
    OpenProvider provider{bench, name};
    const auto give_up = std::min(end, Steady::now() + patience);
    for (auto sync = Sync::after_change;; sync = Sync::when_due) {
        const auto settled = provider.settle_once(sync, end);
        tell(settled, progress);
        auto result = result_of(name, settled);
        result.open = still_open(bench, name, addresses);
        if (result.open.empty()) return result_of(name, {});  // what else the provider may have said is not about them
        const auto now = bench.context().clock.now().wall;
        const auto wait = std::max<std::chrono::milliseconds>(settled.next ? *settled.next - now : 1s, shortest_pause);
        const auto next = Steady::now() + wait;
        if (settled.is_refused || next >= (settled.is_unavailable ? give_up : end)) return result;
        progress(result.open.front() + ": waiting for the provider");
        std::this_thread::sleep_until(next);
    }
}

}  // namespace

std::vector<ProviderResult> sync_providers(const Settings& settings, const std::string& provider,
                                           std::chrono::milliseconds limit, const Progress& progress) {
    if (!provider.empty() && !settings.providers.contains(provider)) {
        throw InputError{"no provider \"" + provider + "\" is configured"};
    }
    const auto end = Steady::now() + limit;
    Bench bench{settings};
    std::vector<ProviderResult> results;
    for (const auto& [name, one] : settings.providers) {
        if (!provider.empty() && provider != name) continue;
        OpenProvider open{bench, name};
        const auto settled = open.settle_once(Sync::always, end);
        tell(settled, progress);
        results.push_back(result_of(name, settled));
        if (settled.is_unavailable && settled.next) {
            results.back().problem += "; it is left alone until " + rfc3339(*settled.next);
        }
    }
    return results;
}

std::vector<ProviderResult> settle_addresses(const Settings& settings, const std::vector<Address>& addresses,
                                             std::chrono::milliseconds limit, const Progress& progress) {
    const auto end = Steady::now() + limit;
    Bench bench{settings};
    std::set<std::string> names;
    bench.context().store.read([&](const Rows& rows) {
        for (const auto& address : addresses) {
            if (const auto lease = rows.leases.find(address)) names.insert(lease->provider);
        }
    });
    std::vector<ProviderResult> results;
    for (const auto& name : names) {
        if (!settings.providers.contains(name)) continue;  // its leases are dropped by their guests' ends
        results.push_back(settle_at(bench, name, addresses, end, progress));
    }
    return results;
}

}  // namespace fip::cli
