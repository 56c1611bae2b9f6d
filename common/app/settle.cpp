#include "app/settle.hpp"

#include "app/inventory.hpp"
#include "app/provider_list.hpp"
#include "app/stock.hpp"
#include "core/errors.hpp"
#include "core/guard_plan.hpp"
#include "core/pool.hpp"
#include "core/provider_step.hpp"
#include "ports/guard.hpp"

#include <algorithm>
#include <set>

namespace fip {
namespace {

using Kind = ProviderStep::Kind;
constexpr int most_passes = 32;
/// An accepted order that no read shows is sent again after this time.
constexpr std::chrono::seconds unconfirmed{10};
constexpr std::chrono::minutes longest_backoff{10};
/// Between two tries with a token or server that the provider refused.
constexpr std::chrono::minutes refusal_pause{1};

StepFacts facts_of(const Context& context, const Rows& rows, const std::string& provider, const Lease& lease,
                   const ProviderStatus& status) {
    StepFacts facts{
        lease, rows.provider.find(lease.address), {}, {}, {}, {}, status.synced_at, context.clock.now().wall};
    facts.server = context.settings.providers.at(provider).server;
    facts.traits = context.traits.at(provider);
    if (const auto pool = context.settings.pools.find(lease.pool); pool != context.settings.pools.end()) {
        facts.cooldown = pool->second.cooldown;
    }
    if (lease.ordinal > 0 && lease.guest) {
        for (auto& other : rows.leases.of_guest(*lease.guest)) {
            if (is_held(other.state) && other.slot == lease.slot && other.ordinal == 0) facts.first = std::move(other);
        }
    }
    return facts;
}

class Settling {
public:
    Settling(const Context& context, const ProviderAccess& provider, std::chrono::milliseconds limit,
             const std::function<bool()>& is_stopped)
        : context_{context}, provider_{provider}, limit_{limit}, is_stopped_{is_stopped} {}

    Settled run(Sync sync) {
        if (provider_.api == nullptr) {
            settled_.may_have_freed = take_inventory(context_, provider_);
        } else if (!may_call(sync)) {
            return std::move(settled_);
        }
        try {
            work(sync);
            forget_failures();
        } catch (const ProviderUnavailable& error) {
            back_off(error.what(), error.retry_after());
        } catch (const ProviderRefused& error) {
            wait_for_a_person(error.what());
        }
        return std::move(settled_);
    }

private:
    [[nodiscard]] WallTime now() const { return context_.clock.now().wall; }

    void work(Sync sync) {
        if (provider_.api != nullptr && (sync == Sync::always || is_sync_due())) read_provider();
        for (int pass = 0; pass < most_passes && !is_stopped_(); ++pass) {
            const auto calls = store_steps();
            if (calls.empty() && (!needs_read_ || is_fresh_)) return;
            // Every write is decided on a read of this run: other processes and people write too.
            if (!is_fresh_) {
                read_provider();
                continue;
            }
            for (const auto& address : calls) {
                if (is_stopped_()) return;
                call(address);
            }
            is_fresh_ = false;
            read_provider();  // one read confirms all writes of the pass
        }
    }

    [[nodiscard]] ProviderStatus status() const {
        ProviderStatus status;
        context_.store.read([&](const Rows& rows) { status = rows.provider.status(provider_.name); });
        return status;
    }

    /// Only a whole run without trouble ends an outage: where reads work and writes fail, the backoff must grow.
    void forget_failures() {
        const auto before = status();
        if (before.failures == 0 && before.last_error.empty()) return;
        context_.store.write([&](Rows& rows) {
            auto known = rows.provider.status(provider_.name);
            known.failures = 0;
            known.backoff_until.reset();
            known.last_error.clear();
            rows.provider.set_status(provider_.name, known);
        });
    }

    bool may_call(Sync sync) {
        const auto known = status();
        if (!known.backoff_until || is_over(*known.backoff_until, now(), longest_backoff)) return true;
        const bool is_refusal = known.failures == 0;  // wait_for_a_person()
        if (is_refusal && sync != Sync::when_due) return true;
        settled_.is_unavailable = !is_refusal;
        settled_.is_refused = is_refusal;
        settled_.problem = known.last_error;
        settled_.next = known.backoff_until;
        return false;
    }

    [[nodiscard]] bool is_sync_due() const {
        const auto known = status();
        return !known.synced_at || known.synced_boot != context_.clock.now().boot_id ||
               is_over(*known.synced_at + context_.settings.interval, now(), context_.settings.interval);
    }

    void read_provider() {
        FreshList fresh;
        fresh.started = context_.clock.now();
        fresh.addresses = provider_.api->list(limit_);
        fresh.server_macs = provider_.api->server_macs();
        for (const auto& [address, kind] : sent_) {
            const bool has_another =
                sent_.contains({address, Kind::issue_mac}) || sent_.contains({address, Kind::share_mac});
            if (kind == Kind::revoke_mac && !has_another) fresh.revoked.insert(address);
        }
        auto stored = store_list(context_, provider_.name, fresh);
        is_fresh_ = true;
        settled_.may_have_freed = settled_.may_have_freed || stored.has_changed;
        if (stored.doubt) settled_.happenings.push_back(*std::move(stored.doubt));
        if (stored.has_guard_changed) refresh_guard();
    }

    /// False: the kernel does not know yet.
    bool refresh_guard() {
        if (!context_.refresh_guard) return true;
        try {
            context_.refresh_guard();
            return true;
        } catch (const GuardError& error) {
            settled_.happenings.push_back(
                {Happening::Level::error, "guard-failed", {}, "", {}, std::string{"the guard: "} + error.what()});
            return false;
        }
    }

    [[nodiscard]] ProviderStep next_step_of(const Rows& rows, const Lease& lease, const ProviderStatus& known) const {
        auto facts = facts_of(context_, rows, provider_.name, lease, known);
        facts.is_fresh = is_fresh_;
        return next_step(facts);
    }

    /// Carry out all steps that only concern the store; the addresses whose next step is a call.
    std::vector<Address> store_steps() {
        std::vector<Address> calls;
        bool has_changed = true;
        for (int round = 0; has_changed && round < most_passes; ++round) {
            has_changed = false;
            calls.clear();
            needs_read_ = false;
            settled_.next.reset();
            context_.store.write([&](Rows& rows) {
                const auto known = rows.provider.status(provider_.name);
                has_changed = restock(context_, rows, provider_.name);
                for (const auto& lease : rows.leases.all(provider_.name)) {
                    const auto step = next_step_of(rows, lease, known);
                    if (is_call(step.kind) && is_possible(step.kind)) {
                        if (sent_.contains({lease.address, step.kind})) {
                            note_due(now() + unconfirmed);
                        } else {
                            calls.push_back(lease.address);
                        }
                    }
                    if (step.kind == Kind::wait) note_due(step.due);
                    if (step.kind == Kind::read) needs_read_ = true;
                    if (step.kind == Kind::save || step.kind == Kind::erase) {
                        store_step(rows, lease, step);
                        has_changed = true;
                    }
                }
            });
        }
        return calls;
    }

    [[nodiscard]] bool is_possible(Kind kind) const {
        const bool is_name = kind == Kind::set_reverse || kind == Kind::reset_reverse;
        return is_name ? provider_.rdns != nullptr : provider_.api != nullptr;
    }

    void note_due(WallTime due) {
        if (!settled_.next || due < *settled_.next) settled_.next = due;
    }

    void store_step(Rows& rows, const Lease& lease, const ProviderStep& step) {
        if (step.kind == Kind::erase) {
            rows.leases.erase(lease.address);
        } else {
            rows.leases.put(step.lease);
        }
        settled_.may_have_freed = settled_.may_have_freed || step.kind == Kind::erase;
        const bool concerns_guest = lease.guest && is_held(lease.state);
        const auto& guests = settled_.guests;
        if (concerns_guest && std::find(guests.begin(), guests.end(), *lease.guest) == guests.end()) {
            settled_.guests.push_back(*lease.guest);
        }
        tell(lease, "lease-" + std::string{step.kind == Kind::erase ? "dropped" : name_of(step.lease.state)}, step.why);
    }

    void tell(const Lease& lease, std::string id, std::string text, Happening::Level level = Happening::Level::info) {
        settled_.happenings.push_back(
            {level, std::move(id), lease.guest, lease.guest_name, lease.address, std::move(text)});
    }

    /// The intent goes to the store, then the call goes out, then its verdict to the store.
    void call(const Address& address) {
        ProviderStep step;
        bool was_asked = false;
        std::vector<Address> group{address};
        context_.store.write([&](Rows& rows) {
            step = {};
            const auto lease = rows.leases.find(address);
            if (!lease) return;
            was_asked = lease->is_mac_asked;
            const auto known = rows.provider.status(provider_.name);
            step = next_step_of(rows, *lease, known);
            if (!is_call(step.kind) || !is_possible(step.kind)) return;
            group = group_of(rows, *lease);
            if (step.lease != *lease) rows.leases.put(step.lease);
            if (step.kind != Kind::revoke_mac) return;
            rows.guard.replace(provider_.name, without_address(rows.guard.macs(provider_.name), address));
        });
        if (!is_call(step.kind) || !is_possible(step.kind)) return;
        if (step.kind == Kind::route && sent_.contains({group.front(), step.kind})) return;  // one order moves all
        // Rule 3: while the kernel still lets the MAC out, the provider must know it.
        if (step.kind == Kind::revoke_mac && !refresh_guard()) return step_back(address);
        const auto answer = send_or_step_back(step, group);
        sent_.insert({address, step.kind});
        if (step.kind == Kind::route) sent_.insert({group.front(), step.kind});
        context_.store.write([&](Rows& rows) {
            auto lease = rows.leases.find(address);
            if (!lease) return;
            // Refused at the first try, with no MAC a moment ago: one that shows up now is somebody else's.
            if (step.kind == Kind::issue_mac && answer.verdict == Verdict::refused) lease->is_mac_asked = was_asked;
            judge(rows, *std::move(lease), step, answer);
        });
    }

    /// A MAC group moves as a whole: all addresses that the provider shows with the same MAC.
    [[nodiscard]] std::vector<Address> group_of(const Rows& rows, const Lease& lease) const {
        const auto own = rows.provider.find(lease.address);
        std::vector<Address> group;
        if (own && own->mac) {
            for (const auto& other : rows.provider.addresses(provider_.name)) {
                if (other.mac == own->mac && other.missing == 0) group.push_back(other.address);
            }
        }
        return group.empty() ? std::vector<Address>{lease.address} : group;
    }

    /// An address whose call gets no verdict goes behind the others: the next run must not fail on it again first.
    [[nodiscard]] Answer send_or_step_back(const ProviderStep& step, const std::vector<Address>& group) {
        try {
            return send(step, group);
        } catch (const ProviderUnavailable&) {
            step_back(step.lease.address);
            throw;
        }
    }

    void step_back(const Address& address) {
        context_.store.write([&](Rows& rows) {
            auto lease = rows.leases.find(address);
            if (!lease) return;
            lease->retry_at = now() + unconfirmed;
            rows.leases.put(*lease);
        });
    }

    [[nodiscard]] Answer send(const ProviderStep& step, const std::vector<Address>& group) const {
        const auto& lease = step.lease;
        switch (step.kind) {
        case Kind::route:
            return provider_.api->route(group, limit_);
        case Kind::issue_mac:
            return provider_.api->issue_mac(lease.address, mac_type(lease), limit_);
        case Kind::share_mac:
            return provider_.api->share_mac(first_of(lease), lease.address, limit_);
        case Kind::revoke_mac:
            return provider_.api->revoke_mac(lease.address, limit_);
        case Kind::set_reverse:
            return provider_.rdns->set(lease.address, lease.hostname, limit_);
        case Kind::reset_reverse:
            return provider_.rdns->reset(lease.address, limit_);
        default:
            return {};
        }
    }

    [[nodiscard]] std::string mac_type(const Lease& lease) const {
        const auto pool = context_.settings.pools.find(lease.pool);
        return pool == context_.settings.pools.end() ? PoolSettings{}.mac_type : pool->second.mac_type;
    }

    [[nodiscard]] Address first_of(const Lease& lease) const {
        Address first = lease.address;
        context_.store.read([&](const Rows& rows) {
            const auto facts = facts_of(context_, rows, provider_.name, lease, {});
            if (facts.first) first = facts.first->address;
        });
        return first;
    }

    /// What a verdict changes before the next read: when to try again, and whose MAC a refused order left behind.
    void judge(Rows& rows, Lease lease, const ProviderStep& step, const Answer& answer) {
        const auto before = rows.leases.find(lease.address);
        const bool is_name = step.kind == Kind::set_reverse || step.kind == Kind::reset_reverse;
        if (answer.verdict == Verdict::busy) lease.retry_at = now() + routing_settles;
        if (answer.verdict == Verdict::refused) {
            if (step.kind == Kind::set_reverse && lease.rdns == RdnsState::pending) lease.rdns = RdnsState::failed;
            if (!is_name || step.kind == Kind::reset_reverse) lease.retry_at = now() + std::chrono::minutes{1};
            tell(lease, is_name ? "rdns-refused" : "provider-refused", refusal(lease, step, answer),
                 Happening::Level::warning);
        }
        const auto known = rows.provider.find(lease.address);
        const bool is_undone = answer.verdict == Verdict::done || answer.verdict == Verdict::already;
        if (step.kind == Kind::reset_reverse && lease.state == LeaseState::releasing && is_undone && known &&
            known->reverse != lease.hostname) {
            // Of an older name no read can tell whether it still stands: this is the end of it. A guest that takes the
            // address back wishes for its name anew.
            lease.rdns = RdnsState::none;
            lease.hostname.clear();
            lease.is_name_chosen = false;
            lease.rdns_tries = 0;
        }
        if (lease != before) rows.leases.put(lease);
    }

    [[nodiscard]] static std::string refusal(const Lease& lease, const ProviderStep& step, const Answer& answer) {
        const auto words = answer.text.empty() ? std::string{"without a reason"} : "\"" + answer.text + "\"";
        if (step.kind != Kind::set_reverse) return "refused by the provider, " + words + " (" + step.why + ")";
        return "the provider refused the reverse name " + lease.hostname + ", " + words + ": create the record " +
               lease.hostname + (lease.address.is_v4() ? ". A " : ". AAAA ") + lease.address.text();
    }

    void back_off(const std::string& problem, std::chrono::seconds asked) {
        settled_.is_unavailable = true;
        settled_.problem = problem;
        context_.store.write([&](Rows& rows) {
            auto known = rows.provider.status(provider_.name);
            const bool is_news = known.failures == 0;
            ++known.failures;
            known.backoff_until = now() + backoff_delay(known.failures, context_.random(), asked);
            known.last_error = problem;
            rows.provider.set_status(provider_.name, known);
            settled_.next = known.backoff_until;
            if (!is_news) return;  // an outage is told once
            settled_.happenings.push_back({Happening::Level::warning,
                                           "provider-unavailable",
                                           {},
                                           "",
                                           {},
                                           "provider \"" + provider_.name + "\": " + problem});
        });
    }

    /// It answers, but not us: no outage that grows.
    void wait_for_a_person(const std::string& problem) {
        settled_.is_refused = true;
        settled_.problem = problem;
        context_.store.write([&](Rows& rows) {
            auto known = rows.provider.status(provider_.name);
            known.failures = 0;
            known.backoff_until = now() + refusal_pause;
            known.last_error = problem;
            rows.provider.set_status(provider_.name, known);
            settled_.next = known.backoff_until;
        });
    }

    const Context& context_;
    const ProviderAccess& provider_;
    std::chrono::milliseconds limit_;
    const std::function<bool()>& is_stopped_;
    bool is_fresh_ = false;
    bool needs_read_ = false;
    std::set<std::pair<Address, Kind>> sent_;  ///< In this run; a group's route at its first address too.
    Settled settled_;
};

}  // namespace

Settled settle(const Context& context, const ProviderAccess& provider, ProviderLock& lock, Sync sync,
               std::chrono::milliseconds limit, const std::function<bool()>& is_stopped) {
    const auto held = lock.hold(provider.name);
    return Settling{context, provider, limit, is_stopped}.run(sync);
}

std::vector<Happening> planned_provider_steps(const Context& context, const std::string& provider) {
    std::vector<Happening> steps;
    context.store.read([&](const Rows& rows) {
        const auto known = rows.provider.status(provider);
        for (const auto& lease : rows.leases.all(provider)) {
            const auto step = next_step(facts_of(context, rows, provider, lease, known));
            if (step.kind == Kind::none || step.kind == Kind::wait) continue;
            steps.push_back({Happening::Level::info, "provider-step", lease.guest, lease.guest_name, lease.address,
                             std::string{name_of(step.kind)} + ": " + step.why});
        }
    });
    return steps;
}

}  // namespace fip
