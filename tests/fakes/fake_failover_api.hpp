#pragma once

#include "ports/failover_api.hpp"
#include "ports/reverse_dns.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip::test {

/// The calls of both ports.
enum class ApiCall { list, route, issue_mac, share_mac, revoke_mac, set_reverse, reset_reverse };

/// What goes wrong with one call.
enum class Fault {
    none,                ///< Nothing: lets one call pass, so that a later one is hit.
    unavailable_before,  ///< ProviderUnavailable, and it did not happen.
    unavailable_after,   ///< ProviderUnavailable, and it did happen: a lost answer.
    denied,              ///< ProviderRefused: the token is no good.
    busy,                ///< Answer `busy`, nothing happened.
    refused,             ///< Answer `refused`, nothing happened.
    already,             ///< Answer `already`, nothing happened: the provider errs.
};

/// One failover IP as the provider has it.
struct FakeAddress {
    std::optional<std::string> server;
    std::optional<Mac> mac;
    std::string reverse;   ///< Empty: the provider's default name.
    int busy_answers = 0;  ///< So many orders to route it are still answered `busy`.
};

/// A provider's account, in memory, with the rules of a real one. Tests change it as a person in the console would.
struct FakeAccount {
    std::string server = "192.0.2.10";  ///< "This server" of the adapters below.
    std::vector<Mac> server_macs;       ///< Of this server's own interfaces.
    std::map<Address, FakeAddress> addresses;
    bool accepts_any_name = true;                 ///< False: a reverse name needs a row in `forward`.
    std::map<std::string, Address> forward;       ///< A records.
    int busy_after_route = 0;                     ///< FakeAddress::busy_answers after each move.
    std::map<ApiCall, std::deque<Fault>> faults;  ///< Consumed one per call.
    bool is_down = false;                         ///< Every call is ProviderUnavailable, and nothing happens.
    std::map<ApiCall, int> calls;
    /// Called right before and after the effect of a write; may throw, as a process that dies there would stop.
    std::function<void(ApiCall)> before_effect;
    std::function<void(ApiCall)> after_effect;

    /// Put an address on the account: routed to this server or to none, no MAC.
    FakeAddress& add(std::string_view address, std::optional<std::string> routed_to);
    FakeAddress& at(std::string_view address);
    void fail_next(ApiCall call, Fault fault) { faults[call].push_back(fault); }
    [[nodiscard]] int writes() const;  ///< All calls but list().
    [[nodiscard]] std::string default_reverse(const Address& address) const;

    Mac next_mac(const std::string& mac_type);

private:
    std::uint32_t macs_made_ = 0;
};

/// A small working provider. Passes the same contract as the real adapters.
class FakeFailoverApi final : public FailoverApi {
public:
    explicit FakeFailoverApi(std::shared_ptr<FakeAccount> account) : account_{std::move(account)} {}

    [[nodiscard]] std::vector<ProviderAddress> list(std::chrono::milliseconds limit) override;
    [[nodiscard]] std::vector<Mac> server_macs() const override { return account_->server_macs; }
    [[nodiscard]] Answer route(const std::vector<Address>& group, std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer issue_mac(const Address& address, const std::string& mac_type,
                                   std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer share_mac(const Address& source, const Address& target,
                                   std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer revoke_mac(const Address& address, std::chrono::milliseconds limit) override;

private:
    [[nodiscard]] bool is_group_whole(const std::set<Address>& group) const;

    std::shared_ptr<FakeAccount> account_;
};

class FakeReverseDns final : public ReverseDns {
public:
    explicit FakeReverseDns(std::shared_ptr<FakeAccount> account) : account_{std::move(account)} {}

    [[nodiscard]] Answer set(const Address& address, const std::string& name, std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer reset(const Address& address, std::chrono::milliseconds limit) override;

private:
    std::shared_ptr<FakeAccount> account_;
};

}  // namespace fip::test
