#include "providers/online.hpp"

#include "core/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fip::providers {
namespace {

constexpr std::string_view failover_path = "/server/failover";
constexpr std::string_view servers_path = "/server";

std::string server_path(const std::string& id) {
    return fmt::format("/server/{}", id);
}

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
}

std::string encode(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::string form;
    for (const auto& [name, value] : fields) {
        if (!form.empty()) form += '&';
        append_encoded(form, name);
        form += '=';
        append_encoded(form, value);
    }
    return form;
}

std::string comma_list(const std::vector<Address>& group) {
    std::string text;
    for (const auto& address : group) text += (text.empty() ? "" : ",") + address.text();
    return text;
}

// Runs a reader of online_json; its complaint becomes the port's exception.
template <typename Reader>
auto read_with(Reader reader, const std::string& body, std::string_view path) {
    try {
        return reader(body);
    } catch (const online::Unreadable& error) {
        throw ProviderUnavailable{fmt::format("GET {}: {}", path, error.what())};
    }
}

}  // namespace

class OnlineSession::Deadline {
public:
    explicit Deadline(std::chrono::milliseconds limit) : end_{std::chrono::steady_clock::now() + limit} {}

    [[nodiscard]] std::chrono::milliseconds left() const {
        return std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    }

private:
    std::chrono::steady_clock::time_point end_;
};

OnlineSession::OnlineSession(std::unique_ptr<Http> http, Account account)
    : http_{std::move(http)}, server_{std::move(account.server)}, token_{std::move(account.token)} {
    if (online::is_server_id(server_)) {
        key_ = server_;
        return;
    }
    main_ = Address::try_parse(server_);
    if (!main_ || !main_->is_v4()) {
        throw InputError{"server: must be this server's main public IPv4 address or its number in the console"};
    }
    if (online::is_server_id(account.server_key)) key_ = account.server_key;
}

// A complete answer: 2xx, or 403 or 404 with the provider's own words.
HttpReply OnlineSession::get(const std::string& path, const Deadline& deadline) {
    HttpRequest request;
    request.path = path;
    request.limit = deadline.left();
    const auto call = fmt::format("GET {}", path);
    HttpReply reply;
    try {
        reply = http_->send(request);
    } catch (const ProviderUnavailable& error) {
        throw ProviderUnavailable{fmt::format("{}: {}", call, error.what()), error.retry_after()};
    }
    const auto found = online::judge_read(reply, call, *token_);
    if (found == online::Found::yes || reply.status == 403 || reply.status == 404) return reply;
    throw ProviderUnavailable{fmt::format("{}: unexpected answer (HTTP {})", call, reply.status)};
}

std::string OnlineSession::require(const std::string& path, const Deadline& deadline) {
    auto reply = get(path, deadline);
    if (reply.status == 403) throw ProviderRefused{fmt::format("GET {}: the token may not read this (HTTP 403)", path)};
    if (reply.status == 404) throw ProviderUnavailable{fmt::format("GET {}: not found (HTTP 404)", path)};
    return std::move(reply.body);
}

// Empty: no such server for this account.
std::optional<online::Server> OnlineSession::find_details(const std::string& id, const Deadline& deadline) {
    const auto path = server_path(id);
    const auto reply = get(path, deadline);
    if (reply.status == 403 || reply.status == 404) return std::nullopt;
    return read_with(online::read_server, reply.body, path);
}

// The server is configured by its number: nothing to look for.
online::Server OnlineSession::numbered_server(const Deadline& deadline) {
    auto details = find_details(key_, deadline);
    if (!details) throw ProviderRefused{fmt::format("the account has no server with the number {}", key_)};
    if (details->public_addresses.empty()) {
        throw ProviderRefused{
            fmt::format("the provider names no public address of server {}; "
                        "configure its main IPv4 address instead of its number",
                        key_)};
    }
    main_ = details->public_addresses.front();
    return *std::move(details);
}

// The details of `id` if it is the server with our address. Some offers do not say their addresses: then the number
// must come from somewhere that knows.
std::optional<online::Server> OnlineSession::try_server(const std::string& id, Evidence evidence,
                                                        const Deadline& deadline) {
    auto details = find_details(id, deadline);
    if (!details) return std::nullopt;
    const auto& known = details->public_addresses;
    const bool is_ours =
        known.empty() ? evidence == Evidence::named : std::find(known.begin(), known.end(), *main_) != known.end();
    if (!is_ours) return std::nullopt;
    key_ = id;
    return details;
}

online::Server OnlineSession::find_server(const std::vector<online::Failover>& failovers, const Deadline& deadline) {
    if (online::is_server_id(server_)) return numbered_server(deadline);
    std::vector<std::string> tried;
    const auto is_new = [&](const std::string& id) {
        if (id.empty() || std::find(tried.begin(), tried.end(), id) != tried.end()) return false;
        tried.push_back(id);
        return true;
    };
    if (is_new(key_)) {
        if (auto details = try_server(tried.back(), Evidence::named, deadline)) return *std::move(details);
    }
    for (const auto& failover : failovers) {
        if (failover.destination != main_ || !is_new(failover.server_id)) continue;
        if (auto details = try_server(failover.server_id, Evidence::named, deadline)) return *std::move(details);
    }
    const std::string path{servers_path};
    for (const auto& id : read_with(online::read_server_ids, require(path, deadline), path)) {
        if (!is_new(id)) continue;
        if (auto details = try_server(id, Evidence::none, deadline)) return *std::move(details);
    }
    throw ProviderRefused{fmt::format("the account has no server with the address {}", main_->text())};
}

std::vector<ProviderAddress> OnlineSession::list(std::chrono::milliseconds limit) {
    const Deadline deadline{limit};
    const std::string path{failover_path};
    auto failovers = read_with(online::read_failovers, require(path, deadline), path);
    const auto server = find_server(failovers, deadline);
    server_macs_ = server.macs;

    std::vector<ProviderAddress> result;
    result.reserve(failovers.size());
    for (const auto& failover : failovers) {
        ProviderAddress entry;
        entry.address = failover.address;
        entry.mac = failover.mac;
        if (failover.destination) {
            const bool is_here = failover.destination == main_;
            entry.server = is_here ? server_ : failover.destination->text();
            const auto reverse = server.reverse.find(failover.address);
            if (is_here && reverse != server.reverse.end()) entry.reverse = reverse->second;
        }
        result.push_back(std::move(entry));
    }
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
    return result;
}

Answer OnlineSession::write(std::string_view path, const std::vector<std::pair<std::string, std::string>>& fields,
                            online::Wish wish, std::chrono::milliseconds limit) {
    HttpRequest request;
    request.method = Method::post;
    request.path = path;
    request.form = encode(fields);
    request.limit = limit;
    const auto call = fmt::format("POST {} for {}", path, fields.front().second);
    HttpReply reply;
    try {
        reply = http_->send(request);
    } catch (const ProviderUnavailable& error) {
        throw ProviderUnavailable{fmt::format("{}: {}", call, error.what()), error.retry_after()};
    }
    return online::judge_write(reply, wish, call, *token_);
}

Address OnlineSession::main_address(std::chrono::milliseconds limit) {
    if (!main_) static_cast<void>(numbered_server(Deadline{limit}));  // only for the address it leaves in main_
    return *main_;
}

std::vector<ProviderAddress> OnlineFailoverApi::list(std::chrono::milliseconds limit) {
    return session_->list(limit);
}

Answer OnlineFailoverApi::route(const std::vector<Address>& group, std::chrono::milliseconds limit) {
    if (group.empty()) return {Verdict::refused, "no address named"};
    const auto start = std::chrono::steady_clock::now();
    const auto destination = session_->main_address(limit);
    const auto spent = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    return session_->write("/server/failover/edit",
                           {{"source", comma_list(group)}, {"destination", destination.text()}}, online::Wish::flag,
                           limit - spent);
}

Answer OnlineFailoverApi::issue_mac(const Address& address, const std::string& mac_type,
                                    std::chrono::milliseconds limit) {
    return session_->write("/server/failover/generateMac", {{"address", address.text()}, {"type", mac_type}},
                           online::Wish::mac, limit);
}

Answer OnlineFailoverApi::share_mac(const Address& source, const Address& target, std::chrono::milliseconds limit) {
    return session_->write("/server/failover/duplicateMac", {{"address", source.text()}, {"target", target.text()}},
                           online::Wish::flag, limit);
}

Answer OnlineFailoverApi::revoke_mac(const Address& address, std::chrono::milliseconds limit) {
    return session_->write("/server/failover/deleteMac", {{"address", address.text()}}, online::Wish::flag, limit);
}

Answer OnlineReverseDns::set(const Address& address, const std::string& name, std::chrono::milliseconds limit) {
    // To this API "false" is the order to reset, and an empty name means nothing.
    if (name.empty() || name == "false") return {Verdict::refused, "not a name that an address may have"};
    return session_->write("/server/ip/edit", {{"address", address.text()}, {"reverse", name}}, online::Wish::flag,
                           limit);
}

Answer OnlineReverseDns::reset(const Address& address, std::chrono::milliseconds limit) {
    return session_->write("/server/ip/edit", {{"address", address.text()}, {"reverse", "false"}}, online::Wish::flag,
                           limit);
}

}  // namespace fip::providers
