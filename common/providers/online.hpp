#pragma once

#include "ports/failover_api.hpp"
#include "ports/reverse_dns.hpp"
#include "providers/http.hpp"
#include "providers/online_json.hpp"
#include "providers/online_verdict.hpp"
#include "providers/token.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fip::providers {

/// The Dedibox console's API ("Online"), for one server of one account. Shared by the two ports below; one thread.
///
/// Nothing is retried here and nothing is remembered but the server's number: what a write did is for list() to say.
class OnlineSession {
public:
    struct Account {
        std::string server;      ///< Main public IPv4 of this server, or its number.
        std::string server_key;  ///< Its number, if an earlier session found it; empty: to be found.
        std::shared_ptr<const Token> token;
    };

    /// @throws InputError  `server` is neither an IPv4 address nor a number
    OnlineSession(std::unique_ptr<Http> http, Account account);

    [[nodiscard]] std::vector<ProviderAddress> list(std::chrono::milliseconds limit);
    [[nodiscard]] Answer write(std::string_view path, const std::vector<std::pair<std::string, std::string>>& fields,
                               online::Wish wish, std::chrono::milliseconds limit);
    /// Main public address of this server; asks the provider when only its number is configured.
    [[nodiscard]] Address main_address(std::chrono::milliseconds limit);
    [[nodiscard]] const std::string& server_key() const noexcept { return key_; }
    [[nodiscard]] const std::vector<Mac>& server_macs() const noexcept {
        return server_macs_;
    }  ///< Of the last list().

private:
    class Deadline;

    /// What speaks for a number that may be this server's.
    enum class Evidence { named, none };

    [[nodiscard]] HttpReply get(const std::string& path, const Deadline& deadline);
    [[nodiscard]] std::string require(const std::string& path, const Deadline& deadline);
    [[nodiscard]] std::optional<online::Server> find_details(const std::string& id, const Deadline& deadline);
    [[nodiscard]] online::Server numbered_server(const Deadline& deadline);
    [[nodiscard]] online::Server find_server(const std::vector<online::Failover>& failovers, const Deadline& deadline);
    [[nodiscard]] std::optional<online::Server> try_server(const std::string& id, Evidence evidence,
                                                           const Deadline& deadline);

    std::unique_ptr<Http> http_;
    std::string server_;
    std::optional<Address> main_;  // absent while only the number is known
    std::string key_;
    std::vector<Mac> server_macs_;
    std::shared_ptr<const Token> token_;
};

class OnlineFailoverApi final : public FailoverApi {
public:
    explicit OnlineFailoverApi(std::shared_ptr<OnlineSession> session) : session_{std::move(session)} {}

    [[nodiscard]] std::vector<ProviderAddress> list(std::chrono::milliseconds limit) override;
    [[nodiscard]] std::vector<Mac> server_macs() const override { return session_->server_macs(); }
    [[nodiscard]] Answer route(const std::vector<Address>& group, std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer issue_mac(const Address& address, const std::string& mac_type,
                                   std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer share_mac(const Address& source, const Address& target,
                                   std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer revoke_mac(const Address& address, std::chrono::milliseconds limit) override;

private:
    std::shared_ptr<OnlineSession> session_;
};

class OnlineReverseDns final : public ReverseDns {
public:
    explicit OnlineReverseDns(std::shared_ptr<OnlineSession> session) : session_{std::move(session)} {}

    [[nodiscard]] Answer set(const Address& address, const std::string& name, std::chrono::milliseconds limit) override;
    [[nodiscard]] Answer reset(const Address& address, std::chrono::milliseconds limit) override;

private:
    std::shared_ptr<OnlineSession> session_;
};

}  // namespace fip::providers
