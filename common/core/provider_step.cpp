#include "core/provider_step.hpp"

#include <algorithm>

namespace fip {
namespace {

using Kind = ProviderStep::Kind;
using std::chrono::milliseconds;
constexpr milliseconds longest_retry = std::chrono::hours{1};

class Stepper {
public:
    explicit Stepper(const StepFacts& facts) : facts_{facts}, lease_{facts.lease}, row_{facts.lease} {}

    ProviderStep step() {
        if (lease_.state == LeaseState::cooling) return cool();
        if (!facts_.traits.has_api) return lease_.state == LeaseState::releasing ? start_cooling() : ProviderStep{};
        // An order whose answer was lost may stand: nothing is given up on what was read before.
        if (lease_.state == LeaseState::releasing && !facts_.is_fresh) return {Kind::read, row_, {}, {}};
        if (!facts_.facts || facts_.facts->missing > 0) return unseen();
        if (is_elsewhere()) return elsewhere();
        if (!facts_.facts->server) return unrouted();
        if (lease_.state == LeaseState::away) return lease_.stay == Stay::left ? ProviderStep{} : back_again();
        if (lease_.state == LeaseState::releasing) return release();
        if (auto waiting = confirm_route()) return *waiting;
        return lease_.ordinal == 0 ? own_mac() : shared_mac();
    }

private:
    ProviderStep make(Kind kind, std::string why) { return {kind, row_, {}, std::move(why)}; }
    ProviderStep wait_until(WallTime due) { return {Kind::wait, row_, due, {}}; }
    [[nodiscard]] bool is_elsewhere() const { return facts_.facts->server && *facts_.facts->server != facts_.server; }
    [[nodiscard]] bool is_ours() const { return lease_.is_mac_asked || lease_.mac.has_value(); }

    /// A call about route or MAC, unless the provider told us to come back later.
    ProviderStep call(Kind kind, std::string why) {
        if (row_.retry_at && !is_over(*row_.retry_at, facts_.now, longest_retry)) return wait_until(*row_.retry_at);
        row_.retry_at.reset();
        return make(kind, std::move(why));
    }

    ProviderStep cool() {
        const auto end = lease_.cooling_until.value_or(facts_.now);
        // A clock that was set back would hold the address for as long: the quarantine counts from now then.
        if (end > facts_.now + facts_.cooldown) {
            row_.cooling_until = facts_.now + facts_.cooldown;
            return facts_.cooldown.count() == 0 ? make(Kind::erase, "its quarantine has ended")
                                                : make(Kind::save, "its quarantine counts from now");
        }
        return end > facts_.now ? wait_until(end) : make(Kind::erase, "its quarantine has ended");
    }

    ProviderStep start_cooling() {
        row_.state = LeaseState::cooling;
        row_.cooling_until = facts_.now + facts_.cooldown;
        row_.mac.reset();
        row_.is_mac_asked = row_.is_adopted = row_.is_name_chosen = false;
        row_.hostname.clear();
        row_.rdns = RdnsState::none;
        row_.rdns_tries = 0;
        row_.retry_at.reset();
        row_.routed_at.reset();
        return make(facts_.cooldown.count() == 0 ? Kind::erase : Kind::save, "everything is given back");
    }

    ProviderStep unseen() {
        const bool is_gone = facts_.facts && facts_.facts->missing >= 2;
        const bool is_held_by_guest = is_held(lease_.state);
        if (is_gone && !is_held_by_guest) return make(Kind::erase, "the provider no longer lists it");
        return {};
    }

    ProviderStep elsewhere() {
        if (lease_.stay == Stay::arriving && is_held(lease_.state))
            return order_route("its guest came from another server");
        if (lease_.state == LeaseState::away) return {};
        if (is_held(lease_.state)) {
            row_.state = LeaseState::away;
            return make(Kind::save, "it is routed to " + *facts_.facts->server + " now");
        }
        // Rule 5: what is no longer routed to us is dropped, and nothing is written at the provider.
        return make(Kind::erase, "it is routed to " + *facts_.facts->server + " now");
    }

    ProviderStep unrouted() {
        if (lease_.state == LeaseState::releasing) return make(Kind::erase, "it is routed to no server any more");
        if (lease_.state == LeaseState::away && lease_.stay != Stay::arriving) return {};
        if (lease_.state == LeaseState::warm || lease_.state == LeaseState::active) {
            row_.state = lease_.state == LeaseState::warm ? LeaseState::warming : LeaseState::pending;
            row_.routed_at.reset();
            return make(Kind::save, "it is routed to no server any more");
        }
        return order_route("it is routed to no server");
    }

    ProviderStep order_route(std::string why) {
        const auto settled = lease_.routed_at.value_or(WallTime{}) + routing_settles;
        if (lease_.routed_at && !is_over(settled, facts_.now, routing_settles)) return wait_until(settled);
        row_.routed_at = facts_.now;
        return call(Kind::route, std::move(why));
    }

    ProviderStep back_again() {
        row_.state = lease_.mac ? LeaseState::active : LeaseState::pending;
        return make(Kind::save, "it is routed to this server again");
    }

    /// Empty: the route stands. What is changed in row_ goes out with the step that follows.
    std::optional<ProviderStep> confirm_route() {
        if (lease_.routed_at && lease_.stay == Stay::here) {
            const auto settled = *lease_.routed_at + routing_settles;
            if (!is_over(settled, facts_.now, routing_settles)) return wait_until(settled);
            // Only a read that was made after that time counts.
            const bool is_read = facts_.synced_at && *facts_.synced_at >= settled;
            if (!is_read && *lease_.routed_at <= facts_.now) return ProviderStep{Kind::read, row_, {}, {}};
        }
        if (!lease_.routed_at && lease_.stay == Stay::here) return {};
        row_.routed_at.reset();
        row_.stay = Stay::here;
        return make(Kind::save, "it is routed to this server");
    }

    ProviderStep own_mac() {
        const auto& seen = facts_.facts->mac;
        if (!seen) return missing_mac();
        if (!is_ours()) return make(Kind::erase, "somebody made a virtual MAC for it");
        return has_mac(*seen);
    }

    ProviderStep missing_mac() {
        if (lease_.state == LeaseState::warm || lease_.state == LeaseState::active) {
            row_.state = lease_.state == LeaseState::warm ? LeaseState::warming : LeaseState::pending;
            row_.mac.reset();
            row_.is_mac_asked = false;
            return make(Kind::save, "its virtual MAC is gone at the provider");
        }
        row_.is_mac_asked = true;
        return call(Kind::issue_mac, "it needs a virtual MAC");
    }

    ProviderStep has_mac(const Mac& seen) {
        const auto settled = is_stock(lease_.state) ? LeaseState::warm : LeaseState::active;
        if (lease_.state == settled && lease_.mac == seen) return name();
        row_.state = settled;
        row_.mac = seen;
        row_.is_mac_asked = true;
        row_.retry_at.reset();
        return make(Kind::save, "its virtual MAC is " + seen.text());
    }

    ProviderStep shared_mac() {
        const auto& seen = facts_.facts->mac;
        if (!facts_.first || facts_.first->state != LeaseState::active || !facts_.first->mac) return {};
        if (!seen) {
            if (lease_.mac) {
                row_.mac.reset();
                row_.state = LeaseState::pending;
                return make(Kind::save, "its virtual MAC is gone at the provider");
            }
            row_.is_mac_asked = true;
            return call(Kind::share_mac, "it shares the MAC of " + facts_.first->address.text());
        }
        if (seen == facts_.first->mac) return has_mac(*seen);
        if (!is_ours()) return make(Kind::erase, "somebody made a virtual MAC for it");
        return call(Kind::revoke_mac, "it will share the MAC of " + facts_.first->address.text());
    }

    ProviderStep name() {
        const auto& reverse = facts_.facts->reverse;
        const bool is_shown = reverse && *reverse == lease_.hostname;
        const bool is_due = is_over(lease_.rdns_due, facts_.now, longest_retry);
        switch (lease_.rdns) {
        case RdnsState::none:
            return {};
        case RdnsState::set:
            if (!reverse || is_shown) return {};
            row_.rdns = RdnsState::pending;
            row_.rdns_due = facts_.now;
            return make(Kind::save, "its reverse name was changed");
        case RdnsState::pending:
        case RdnsState::failed:
            if (is_shown) {
                row_.rdns = RdnsState::set;
                row_.rdns_tries = 0;
                return make(Kind::save, "its reverse name is " + lease_.hostname);
            }
            return is_due ? try_name(Kind::set_reverse, "its reverse name will be " + lease_.hostname)
                          : wait_until(lease_.rdns_due);
        case RdnsState::clearing:
            if (is_shown)
                return is_due ? try_name(Kind::reset_reverse, "its name is no longer wanted")
                              : wait_until(lease_.rdns_due);
            row_.rdns = RdnsState::none;
            row_.hostname.clear();
            return make(Kind::save, "its reverse name is given back");
        }
        return {};
    }

    ProviderStep try_name(Kind kind, std::string why) {
        row_.rdns_due = facts_.now + rdns_delay(lease_.rdns_tries);
        ++row_.rdns_tries;
        return make(kind, std::move(why));
    }

    ProviderStep release() {
        const auto& reverse = facts_.facts->reverse;
        const bool is_named = lease_.rdns != RdnsState::none && reverse && !lease_.hostname.empty();
        const bool is_shown = is_named && *reverse == lease_.hostname;
        const bool is_older = is_named && lease_.rdns != RdnsState::set && lease_.rdns_tries > 0;
        if (is_shown || is_older) return call(Kind::reset_reverse, "its guest is gone");
        if (facts_.facts->mac && is_ours()) return call(Kind::revoke_mac, "its guest is gone");
        return start_cooling();
    }

    const StepFacts& facts_;
    const Lease& lease_;
    Lease row_;
};

}  // namespace

ProviderStep next_step(const StepFacts& facts) {
    return Stepper{facts}.step();
}

std::string_view name_of(ProviderStep::Kind kind) noexcept {
    switch (kind) {
    case Kind::none:
        return "none";
    case Kind::wait:
        return "wait";
    case Kind::read:
        return "read";
    case Kind::save:
        return "record";
    case Kind::erase:
        return "drop";
    case Kind::route:
        return "route here";
    case Kind::issue_mac:
        return "generate a virtual MAC";
    case Kind::share_mac:
        return "share a virtual MAC";
    case Kind::revoke_mac:
        return "delete the virtual MAC";
    case Kind::set_reverse:
        return "set the reverse name";
    case Kind::reset_reverse:
        return "reset the reverse name";
    }
    return "?";
}

bool is_call(ProviderStep::Kind kind) noexcept {
    return kind == Kind::route || kind == Kind::issue_mac || kind == Kind::share_mac || kind == Kind::revoke_mac ||
           kind == Kind::set_reverse || kind == Kind::reset_reverse;
}

std::chrono::milliseconds rdns_delay(int tries) noexcept {
    return std::min<milliseconds>(std::chrono::minutes{1} * (1 << std::clamp(tries, 0, 6)), std::chrono::hours{1});
}

std::chrono::milliseconds backoff_delay(int failures, std::uint64_t random, std::chrono::seconds asked) noexcept {
    const milliseconds whole = std::min<milliseconds>(std::chrono::seconds{5} * (1 << std::clamp(failures - 1, 0, 5)),
                                                      std::chrono::minutes{2});
    const milliseconds jittered{whole.count() / 2 +
                                static_cast<std::int64_t>(random % static_cast<std::uint64_t>(whole.count() / 2 + 1))};
    return std::max<milliseconds>(jittered, std::min<std::chrono::seconds>(asked, std::chrono::minutes{10}));
}

bool is_over(WallTime due, WallTime now, std::chrono::milliseconds longest) noexcept {
    return due <= now || due > now + longest;
}

}  // namespace fip
