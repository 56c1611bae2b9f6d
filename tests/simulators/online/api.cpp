#include "simulators/online/api.hpp"

#include "simulators/online/views.hpp"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <utility>

namespace fip::sim {
namespace {

namespace json = boost::json;
using Lock = std::unique_lock<std::mutex>;

constexpr std::string_view prefix = "/api/v1";
constexpr std::size_t longest_log = 20000;

// What a request asks for, before anything is judged.
struct Call {
    Endpoint endpoint = endpoint::unknown;
    std::string object;  // server number or address out of the path
};

// A reply before it is written down.
struct Result {
    int status = 200;
    json::value value;
    bool is_bare = false;     // the string `value` without quotes
    bool has_effect = false;  // the account changed
};

Call find_call(const WebRequest& request) {
    if (!request.path.starts_with(prefix)) return {};
    auto path = request.path.substr(prefix.size());
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const bool is_get = request.method == "GET";
    const bool is_post = request.method == "POST";
    const auto below = [&](std::string_view folder) -> std::optional<std::string> {
        if (!path.starts_with(folder)) return std::nullopt;
        const auto rest = path.substr(folder.size());
        if (rest.empty() || rest.find('/') != std::string::npos) return std::nullopt;
        return rest;
    };
    if (is_get && path == "/server") return {endpoint::servers, {}};
    if (is_get && path == "/server/failover") return {endpoint::failover, {}};
    if (is_get && below("/server/failover/")) return {endpoint::failover_one, *below("/server/failover/")};
    if (is_get && below("/server/ip/")) return {endpoint::ip, *below("/server/ip/")};
    if (is_post && path == "/server/failover/edit") return {endpoint::edit, {}};
    if (is_post && path == "/server/failover/generateMac") return {endpoint::generate_mac, {}};
    if (is_post && path == "/server/failover/duplicateMac") return {endpoint::duplicate_mac, {}};
    if (is_post && path == "/server/failover/deleteMac") return {endpoint::delete_mac, {}};
    if (is_post && path == "/server/ip/edit") return {endpoint::ip_edit, {}};
    if (is_post && below("/server/reboot/")) return {endpoint::reboot, *below("/server/reboot/")};
    if (const auto id = below("/server/"); id && id->find_first_not_of("0123456789") == std::string::npos) {
        if (is_get) return {endpoint::server, *id};
        if (request.method == "PUT") return {endpoint::hostname, *id};
    }
    return {};
}

Result failure(const Account& account, int status, const std::string& text) {
    json::object body;
    if (account.switches.is("error_style", "description")) {
        body["error"] = "invalid_request";
        body["error_description"] = text;
    } else {
        body["error"] = text;
    }
    if (const auto code = account.switches.number("error_code"); code != 0) body["code"] = code;
    return {status, std::move(body)};
}

Result from(const Account& account, const Outcome& outcome) {
    if (!outcome.error.empty()) return failure(account, outcome.status, outcome.error);
    Result result;
    result.value = true;
    result.has_effect = true;
    return result;
}

std::string field(const WebRequest& request, const std::string& name) {
    const auto found = request.fields.find(name);
    return found == request.fields.end() ? std::string{} : found->second;
}

// Empty: one of them is not an address.
std::optional<std::vector<Address>> address_list(const std::string& text) {
    std::vector<Address> result;
    for (std::size_t start = 0; start <= text.size();) {
        const auto comma = std::min(text.find(',', start), text.size());
        const auto address = Address::try_parse(text.substr(start, comma - start));
        if (!address) return std::nullopt;
        result.push_back(*address);
        start = comma + 1;
    }
    return result;
}

const Server* find_server(const Account& account, const std::string& id) {
    if (id.size() > 18) return nullptr;
    const auto found = account.servers.find(std::stoll(id));
    return found == account.servers.end() ? nullptr : &found->second;
}

Result read_one(const Account& account, const Call& call, UnixMs now) {
    const auto address = Address::try_parse(call.object);
    const auto& failovers = account.visible(now);
    const auto found = address ? failovers.find(*address) : failovers.end();
    if (found != failovers.end()) {
        if (call.endpoint.name == endpoint::ip.name) {
            return {200, failover_address(account, found->first, found->second, now)};
        }
        auto entry = failover_entry(account, found->first, found->second, now);
        if (account.switches.is("failover_item", "object")) return {200, std::move(entry)};
        json::array list;
        list.push_back(std::move(entry));
        return {200, std::move(list)};
    }
    const auto* server = address ? account.server_at(*address) : nullptr;
    if (server != nullptr && call.endpoint.name == endpoint::ip.name) return {200, public_address(account, *server)};
    return failure(account, 404, "Address not found");
}

Result read(const Account& account, const Call& call, UnixMs now) {
    if (call.endpoint.name == endpoint::servers.name) return {200, server_references(account)};
    if (call.endpoint.name == endpoint::failover.name) return {200, failover_list(account, now)};
    if (call.endpoint.name == endpoint::server.name) {
        const auto* server = find_server(account, call.object);
        if (server == nullptr) return failure(account, 404, "Server not found");
        return {200, server_details(account, *server, now)};
    }
    return read_one(account, call, now);
}

Result generate_mac(Account& account, const WebRequest& request, const Address& address, UnixMs now) {
    const auto outcome = account.generate_mac(address, field(request, "type"), now);
    if (!outcome.error.empty()) return failure(account, outcome.status, outcome.error);
    Result result;
    const auto shown = failover_entry(account, address, account.failovers.at(address), now);
    result.value = shown.at("mac");  // in the case that the switch asks for
    result.is_bare = account.switches.is("mac_reply", "bare");
    result.has_effect = true;
    return result;
}

Result write_server(Account& account, const WebRequest& request, const Call& call) {
    const auto* server = find_server(account, call.object);
    if (server == nullptr) return failure(account, 404, "Server not found");
    if (call.endpoint.name == endpoint::hostname.name) {
        if (field(request, "hostname").empty()) return failure(account, 400, "Missing hostname");
        account.servers.at(server->id).hostname = field(request, "hostname");
    } else if (field(request, "reason").empty()) {
        return {200, false};
    }
    return {200, true, false, true};
}

Result write(Account& account, const WebRequest& request, const Call& call, UnixMs now) {
    const auto& name = call.endpoint.name;
    if (name == endpoint::hostname.name || name == endpoint::reboot.name) return write_server(account, request, call);
    if (name == endpoint::edit.name) {
        const auto sources = address_list(field(request, "source"));
        if (!sources) return failure(account, 400, "Invalid source");
        if (!request.fields.contains("destination")) return failure(account, 400, "Missing destination");
        return from(account, account.edit(*sources, field(request, "destination"), now));
    }
    const auto addresses = address_list(field(request, "address"));
    if (!addresses) return failure(account, 400, "Invalid address");
    if (name == endpoint::ip_edit.name) {
        return from(account, account.set_reverse(*addresses, field(request, "reverse"), now));
    }
    if (addresses->size() != 1) return failure(account, 400, "One address only");
    if (name == endpoint::generate_mac.name) return generate_mac(account, request, addresses->front(), now);
    if (name == endpoint::delete_mac.name) return from(account, account.delete_mac(addresses->front(), now));
    const auto target = Address::try_parse(field(request, "target"));
    if (!target) return failure(account, 400, "Invalid target");
    return from(account, account.duplicate_mac(addresses->front(), *target, now));
}

std::string text_of(const Account& account, const WebRequest& request, const Result& result) {
    if (result.is_bare) return std::string{result.value.as_string()};
    const auto text = request.is_pretty ? pretty(result.value) : compact(result.value);
    return account.switches.flag("escape_slashes") ? with_escaped_slashes(text) : text;
}

WebReply render(const Account& account, const WebRequest& request, const Result& result) {
    WebReply reply;
    reply.status = result.status;
    reply.body = text_of(account, request, result);
    if (request.method == "GET" && result.status == 200) {
        const auto tag = fmt::format("\"{:016x}\"", std::hash<std::string>{}(reply.body));
        reply.headers["ETag"] = tag;
        if (request.if_none_match == tag) {
            reply.status = 304;
            reply.body.clear();
        }
    }
    return reply;
}

// Latency and delays; ends early when the program stops or the faults are cleared.
void rest(Shared& shared, Lock& lock, std::int64_t milliseconds) {
    if (milliseconds <= 0) return;
    const auto patience = shared.patience;
    shared.wake.wait_for(lock, std::chrono::milliseconds{milliseconds},
                         [&] { return shared.is_stopping || shared.patience != patience; });
}

bool is_over_quota(Shared& shared, UnixMs now) {
    const auto most = shared.account.switches.number("requests_per_minute");
    while (!shared.recent.empty() && shared.recent.front() <= now - 60'000) shared.recent.pop_front();
    shared.recent.push_back(now);
    return most > 0 && static_cast<std::int64_t>(shared.recent.size()) > most;
}

WebReply quota_reply(const Account& account, const WebRequest& request) {
    const auto& switches = account.switches;
    auto result = failure(account, static_cast<int>(switches.number("quota_status")), "Too many requests");
    const auto wait = switches.number("quota_retry_after");
    if (switches.flag("quota_retry_after_in_body")) result.value.as_object()["retry_after"] = wait;
    auto reply = render(account, request, result);
    if (switches.is("quota_body", "empty")) reply.body.clear();
    if (switches.is("quota_body", "html")) {
        reply.body = "<html><body><h1>503 Service Unavailable</h1></body></html>\n";
        reply.content_type = "text/html";
    }
    if (wait > 0) reply.headers["Retry-After"] = std::to_string(wait);
    return reply;
}

WebReply spoil(const Fault& fault, WebReply reply, const Account& account, const WebRequest& request) {
    if (fault.status) {
        reply.status = static_cast<int>(*fault.status);
        if (!fault.body && *fault.status >= 400) {
            reply.body = text_of(account, request, failure(account, reply.status, "Service unavailable"));
        }
    }
    if (fault.body) {
        reply.body.clear();
        for (std::int64_t i = 0; i < fault.repeat; ++i) reply.body += *fault.body;
    }
    if (fault.keep >= 0) reply.body.resize(std::min(reply.body.size(), static_cast<std::size_t>(fault.keep)));
    if (!fault.content_type.empty()) reply.content_type = fault.content_type;
    if (!fault.retry_after.empty()) reply.headers["Retry-After"] = fault.retry_after;
    if (!fault.location.empty()) reply.headers["Location"] = fault.location;
    reply.cut = fault.cut;
    return reply;
}

std::optional<Result> gate(Shared& shared, const WebRequest& request) {
    const auto& account = shared.account;
    if (account.switches.is("deny", "403")) return failure(account, 403, "Forbidden");
    const bool is_known = request.authorization == "Bearer " + shared.token;
    if (is_known && !account.switches.is("deny", "401")) return std::nullopt;
    return failure(account, 401, "Invalid access token");
}

WebReply carry_out(Shared& shared, Lock& lock, const WebRequest& request, const Call& call, std::int64_t number) {
    auto& account = shared.account;
    if (is_over_quota(shared, unix_now())) return quota_reply(account, request);
    if (const auto refusal = gate(shared, request)) return render(account, request, *refusal);
    const auto fault = shared.faults.take(call.endpoint);
    if (fault) {
        if (auto* entry = shared.entry(number)) entry->is_spoilt = true;
        shared.save();
    }
    const bool is_before = fault && fault->when == Fault::When::before;
    if (is_before) rest(shared, lock, fault->delay_ms);
    if (call.endpoint.name == endpoint::unknown.name) {
        auto result = failure(account, 404, "Unknown method");
        result.value.as_object()["code"] = 3;
        return render(account, request, result);
    }
    if (is_before && fault->spoils() && call.endpoint.is_write) {
        return spoil(*fault, render(account, request, {200, true}), account, request);
    }
    const auto result =
        call.endpoint.is_write ? write(account, request, call, unix_now()) : read(account, call, unix_now());
    if (result.has_effect) {
        ++shared.counts[std::string{call.endpoint.name}].effects;
        if (auto* entry = shared.entry(number)) entry->has_effect = true;
        shared.save();
        shared.wake.notify_all();
    }
    auto reply = render(account, request, result);
    if (fault && !is_before) rest(shared, lock, fault->delay_ms);
    return fault ? spoil(*fault, std::move(reply), account, request) : reply;
}

}  // namespace

WebReply answer_api(Shared& shared, const WebRequest& request) {
    const auto call = find_call(request);
    Lock lock{shared.mutex};
    LogEntry entry;
    entry.number = ++shared.requests;
    entry.at = unix_now();
    entry.endpoint = call.endpoint.name;
    entry.method = request.method;
    entry.path = request.path;
    for (const auto& [name, value] : request.fields) entry.fields[name] = value;
    const auto number = entry.number;
    shared.log.push_back(std::move(entry));
    if (shared.log.size() > longest_log) shared.log.pop_front();
    ++shared.counts[std::string{call.endpoint.name}].requests;
    rest(shared, lock, shared.account.switches.number("latency_ms"));

    auto reply = carry_out(shared, lock, request, call, number);
    if (shared.account.switches.flag("request_id")) {
        reply.headers["X-Request-Id"] = fmt::format("sim-{}", number);
    }
    if (auto* logged = shared.entry(number)) logged->status = reply.cut == Fault::Cut::before ? -1 : reply.status;
    return reply;
}

}  // namespace fip::sim
