#pragma once

#include "fakes/fake_failover_api.hpp"
#include "providers/open.hpp"
#include "simulators/online/client.hpp"
#include "support/temp_dir.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace fip::test {

inline constexpr std::chrono::milliseconds call_limit = std::chrono::seconds{20};
inline const std::string this_server = "192.0.2.10";
inline const std::string other_server = "192.0.2.20";

inline Address address(std::string_view text) {
    return Address::parse(text);
}

/// The provider in memory.
class FakeProvider {
public:
    FakeProvider() { account_->server = this_server; }

    FailoverApi& api() { return api_; }
    ReverseDns& rdns() { return rdns_; }

    void add(const std::string& text, const std::optional<std::string>& server) { account_->add(text, server); }
    void place(const std::string& text, const std::string& server) { account_->at(text).server = server; }
    void give_mac(const std::string& text, const std::string& mac) { account_->at(text).mac = Mac::parse(mac); }
    void demand_forward() { account_->accepts_any_name = false; }
    void add_forward(const std::string& name, const std::string& text) { account_->forward[name] = address(text); }
    void stay_busy() { account_->busy_after_route = 1; }
    void lose_answer(ApiCall call) { account_->fail_next(call, Fault::unavailable_after); }
    void drop_request(ApiCall call) { account_->fail_next(call, Fault::unavailable_before); }
    void deny(ApiCall call) { account_->fail_next(call, Fault::denied); }

private:
    std::shared_ptr<FakeAccount> account_ = std::make_shared<FakeAccount>();
    FakeFailoverApi api_{account_};
    FakeReverseDns rdns_{account_};
};

/// The adapter of the Online API, with the simulator at the other end.
class OnlineProvider {
public:
    OnlineProvider() { provider_ = providers::open(settings(), {simulator.token()}); }

    FailoverApi& api() { return *provider_.api; }
    ReverseDns& rdns() { return *provider_.rdns; }

    void add(const std::string& text, const std::optional<std::string>& server) {
        simulator.edit(text, {{"server", number(server.value_or(""))}});
    }
    void place(const std::string& text, const std::string& server) { add(text, server); }
    void give_mac(const std::string& text, const std::string& mac) { simulator.edit(text, {{"mac", mac}}); }
    void demand_forward() { simulator.set({{"resolver", "table"}}); }
    void add_forward(const std::string& name, const std::string& text) { simulator.add_forward(name, text); }
    void stay_busy() { simulator.set({{"busy_ms", 600000}}); }
    void lose_answer(ApiCall call) {
        simulator.fail({{"endpoint", endpoint_of(call)}, {"when", "after"}, {"cut", "before"}});
    }
    void drop_request(ApiCall call) { simulator.fail({{"endpoint", endpoint_of(call)}, {"cut", "before"}}); }
    void deny(ApiCall call) { simulator.fail({{"endpoint", endpoint_of(call)}, {"status", 401}}); }

    [[nodiscard]] ProviderSettings settings() const {
        ProviderSettings result;
        result.name = "dedibox";
        result.type = "online";
        result.endpoint = simulator.endpoint();
        result.server = this_server;
        return result;
    }

private:
    static std::int64_t number(const std::string& server) {
        if (server.empty()) return 0;
        return server == this_server ? 11111 : 22222;
    }
    static std::string endpoint_of(ApiCall call) {
        switch (call) {
        case ApiCall::list:
            return "failover";
        case ApiCall::route:
            return "edit";
        case ApiCall::issue_mac:
            return "generateMac";
        case ApiCall::share_mac:
            return "duplicateMac";
        case ApiCall::revoke_mac:
            return "deleteMac";
        case ApiCall::set_reverse:
        case ApiCall::reset_reverse:
            break;
        }
        return "ipEdit";
    }
    static OnlineSimulator::Options options(const TempDir& folder) {
        OnlineSimulator::Options result;
        result.folder = folder.path();
        result.servers = {{11111, this_server}, {22222, other_server}};
        return result;
    }

    TempDir folder_;

public:
    OnlineSimulator simulator{options(folder_)};

private:
    providers::Provider provider_;
};

}  // namespace fip::test
