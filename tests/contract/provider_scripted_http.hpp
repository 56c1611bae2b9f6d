#pragma once

#include "providers/http.hpp"
#include "providers/online.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fip::test {

inline const std::string secret = "s3cr3t-Token.0123456789abcdef";

/// An API whose replies a test writes by hand. Paths without a reply are answered as by the real one: unknown method.
struct Script {
    std::map<std::string, providers::HttpReply> replies;
    std::vector<providers::HttpRequest> requests;

    void reply(const std::string& path, int status, std::string body) {
        providers::HttpReply made;
        made.status = status;
        made.body = std::move(body);
        replies[path] = std::move(made);
    }
};

class ScriptedHttp final : public providers::Http {
public:
    explicit ScriptedHttp(std::shared_ptr<Script> script) : script_{std::move(script)} {}

    [[nodiscard]] providers::HttpReply send(const providers::HttpRequest& request) override {
        script_->requests.push_back(request);
        const auto found = script_->replies.find(request.path);
        if (found != script_->replies.end()) return found->second;
        providers::HttpReply unknown;
        unknown.status = 404;
        unknown.body = R"({"error":"Unknown method","code":3})";
        return unknown;
    }

private:
    std::shared_ptr<Script> script_;
};

/// The adapter of the Online API over a script.
struct ScriptedOnline {
    explicit ScriptedOnline(std::string server = "192.0.2.10", std::string server_key = {})
        : session{std::make_shared<providers::OnlineSession>(
              std::make_unique<ScriptedHttp>(script),
              providers::OnlineSession::Account{std::move(server), std::move(server_key),
                                                std::make_shared<const providers::Token>(secret)})} {}

    std::shared_ptr<Script> script = std::make_shared<Script>();
    std::shared_ptr<providers::OnlineSession> session;
    providers::OnlineFailoverApi api{session};
    providers::OnlineReverseDns rdns{session};
};

inline const std::string failover_path = "/server/failover";
inline const std::string edit_path = "/server/failover/edit";
inline const std::string mac_path = "/server/failover/generateMac";

/// One address here with a MAC, one routed to none, one at another server; as recorded, slashes escaped.
inline const std::string good_list =
    R"([{"source":"203.0.113.5","destination":"192.0.2.10","mac":"52:54:00:00:A1:B2","status":"active",)"
    R"("server":{"$ref":"\/api\/v1\/server\/11111"},"contacts":{"owner":"acct","tech":"acct"}},)"
    R"({"source":"203.0.113.6","destination":null,"mac":null,"status":"active","server":null},)"
    R"({"source":"203.0.113.7","destination":"192.0.2.20","mac":null,"status":"pending",)"
    R"("server":{"$ref":"\/api\/v1\/server\/22222"}}])";

inline const std::string good_server =
    R"({"id":11111,"offer":"Dedibox XC","hostname":"hv1","location":{"rack":23},)"
    R"("network":{"ip":["192.0.2.10"],"private":["10.90.1.2"],"ipfo":["203.0.113.5"]},)"
    R"("ip":[{"address":"192.0.2.10","type":"public","reverse":"hv1.example.com.","mac":"aa:bb:cc:00:11:22"},)"
    R"({"address":"10.90.1.2","type":"private","reverse":null,"mac":"aa:bb:cc:00:11:23"},)"
    R"({"address":"203.0.113.5","type":"failover","reverse":"VM5.example.com.","mac":"52:54:00:00:a1:b2",)"
    R"("destination":"192.0.2.10","server":{"$ref":"\/api\/v1\/server\/11111"},"status":"active"}],"bmc":null})";

/// An account that answers everything well.
inline void answer_well(Script& script) {
    script.reply(failover_path, 200, good_list);
    script.reply("/server/11111", 200, good_server);
    script.reply("/server/22222", 200, R"({"id":22222,"ip":[{"address":"192.0.2.20","type":"public"}]})");
    script.reply("/server", 200, R"(["\/api\/v1\/server\/22222","\/api\/v1\/server\/11111"])");
    for (const auto* path :
         {"/server/failover/edit", "/server/failover/duplicateMac", "/server/failover/deleteMac", "/server/ip/edit"}) {
        script.reply(path, 200, "true");
    }
    script.reply(mac_path, 200, R"("52:54:00:00:a1:b3")");
}

}  // namespace fip::test
