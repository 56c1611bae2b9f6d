#include "providers/online_json.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace fip::providers::online {
namespace {

namespace json = boost::json;

constexpr std::size_t deepest = 16;  // real replies have 4 levels
constexpr std::size_t longest_name = 255;

json::value parse(std::string_view body) {
    json::parse_options options;
    options.max_depth = deepest;
    boost::system::error_code failure;
    auto value = json::parse(body, failure, {}, options);
    if (failure) throw Unreadable{body.empty() ? "the reply is empty" : "the reply is not JSON"};
    return value;
}

const json::array& as_array(const json::value& value, std::string_view what) {
    if (const auto* array = value.if_array()) return *array;
    throw Unreadable{fmt::format("{} is not an array", what)};
}

const json::object& as_object(const json::value& value, std::string_view what) {
    if (const auto* object = value.if_object()) return *object;
    throw Unreadable{fmt::format("{} is not an object", what)};
}

// Absent, null and "" are the same to this API.
std::string_view find_text(const json::object& object, std::string_view key, std::string_view what) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    if (const auto* text = value->if_string()) return *text;
    throw Unreadable{fmt::format("{}: \"{}\" is not a string", what, key)};
}

std::optional<Address> find_address(const json::object& object, std::string_view key, std::string_view what) {
    const auto text = find_text(object, key, what);
    if (text.empty()) return std::nullopt;
    if (auto address = Address::try_parse(text)) return address;
    throw Unreadable{fmt::format("{}: \"{}\" is not an address", what, key)};
}

std::optional<Mac> find_mac(const json::object& object, std::string_view what) {
    const auto text = find_text(object, "mac", what);
    if (text.empty()) return std::nullopt;
    if (auto mac = Mac::try_parse(text)) return mac;
    throw Unreadable{fmt::format("{}: \"mac\" is not a MAC address", what)};
}

// "/api/v1/server/11111" -> "11111"; empty: not such a reference.
std::string_view id_of(std::string_view reference) {
    while (reference.ends_with('/')) reference.remove_suffix(1);
    const auto slash = reference.rfind('/');
    if (slash == std::string_view::npos) return {};
    const auto id = reference.substr(slash + 1);
    return is_server_id(id) ? id : std::string_view{};
}

// Only a hint where to look first: a strange reference is no reference.
std::string find_server_id(const json::object& entry) {
    const auto* server = entry.if_contains("server");
    if (server == nullptr || !server->is_object()) return {};
    const auto* reference = server->get_object().if_contains("$ref");
    if (reference == nullptr || !reference->is_string()) return {};
    return std::string{id_of(reference->get_string())};
}

// A name that is not printable is reported as unknown, so that nobody relies on it or prints it.
std::optional<std::string> find_reverse(const json::object& entry, std::string_view what) {
    std::string name{find_text(entry, "reverse", what)};
    if (name.ends_with('.')) name.pop_back();
    if (name.size() > longest_name) return std::nullopt;
    for (auto& c : name) {
        if (c <= ' ' || c > '~') return std::nullopt;
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return name;
}

void read_address_entry(const json::object& entry, std::string_view what, Server& server) {
    const auto type = find_text(entry, "type", what);
    if (const auto mac = type == "failover" ? std::nullopt : find_mac(entry, what); mac) {
        if (std::find(server.macs.begin(), server.macs.end(), *mac) == server.macs.end()) server.macs.push_back(*mac);
    }
    if (type != "public" && type != "failover") return;
    const auto address = find_address(entry, "address", what);
    if (!address) throw Unreadable{fmt::format("{} has no address", what)};
    if (type == "public") {
        server.public_addresses.push_back(*address);
    } else if (const auto name = find_reverse(entry, what)) {
        if (!server.reverse.emplace(*address, *name).second) {
            throw Unreadable{fmt::format("{} repeats an address", what)};
        }
    }
}

void read_network(const json::object& root, Server& server) {
    const auto* network = root.if_contains("network");
    if (network == nullptr || !network->is_object()) return;
    const auto* addresses = network->get_object().if_contains("ip");
    if (addresses == nullptr || !addresses->is_array()) return;
    for (const auto& item : addresses->get_array()) {
        const auto address = item.is_string() ? Address::try_parse(item.get_string()) : std::nullopt;
        if (!address) throw Unreadable{"network.ip holds something that is not an address"};
        const auto& known = server.public_addresses;
        if (std::find(known.begin(), known.end(), *address) == known.end()) server.public_addresses.push_back(*address);
    }
}

std::string shown(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) return {};
    return value->is_string() ? std::string{value->get_string()} : json::serialize(*value);
}

// A whole number of seconds, also as a string; anything else is no hint.
std::chrono::seconds read_wait(const json::object& object) {
    auto text = shown(object, "retry_after");
    if (text.empty()) text = shown(object, "retryAfter");
    const bool is_number =
        !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
    return std::chrono::seconds{is_number ? std::stol(text) : 0};
}

Statement read_object(const json::object& object) {
    Statement result;
    result.retry_after = read_wait(object);
    const auto error = shown(object, "error");
    const auto description = shown(object, "error_description");
    if (error.empty() && description.empty()) return result;
    result.kind = Statement::Kind::error;
    result.text = description.empty() ? error : description;
    result.also = description.empty() ? std::string{} : error;
    return result;
}

}  // namespace

bool is_server_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 18 && text.front() != '0' &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<Failover> read_failovers(std::string_view body) {
    const auto root = parse(body);
    std::vector<Failover> result;
    std::set<Address> seen;
    for (const auto& item : as_array(root, "the list of failover IPs")) {
        const auto what = fmt::format("failover IP number {}", result.size() + 1);
        const auto& entry = as_object(item, what);
        const auto address = find_address(entry, "source", what);
        if (!address) throw Unreadable{fmt::format("{} has no \"source\"", what)};
        if (!seen.insert(*address).second) throw Unreadable{fmt::format("{} is there twice", address->text())};
        Failover failover;
        failover.address = *address;
        failover.destination = find_address(entry, "destination", what);
        failover.mac = find_mac(entry, what);
        failover.server_id = find_server_id(entry);
        result.push_back(std::move(failover));
    }
    return result;
}

Server read_server(std::string_view body) {
    const auto value = parse(body);
    const auto& root = as_object(value, "the server");
    Server server;
    const auto* addresses = root.if_contains("ip");
    if (addresses != nullptr && !addresses->is_null()) {
        std::size_t number = 0;
        for (const auto& item : as_array(*addresses, "the server's \"ip\"")) {
            const auto what = fmt::format("the server's address number {}", ++number);
            read_address_entry(as_object(item, what), what, server);
        }
    }
    read_network(root, server);
    return server;
}

std::vector<std::string> read_server_ids(std::string_view body) {
    const auto root = parse(body);
    std::vector<std::string> result;
    for (const auto& item : as_array(root, "the list of servers")) {
        const auto id = item.is_string() ? id_of(item.get_string()) : std::string_view{};
        if (id.empty()) throw Unreadable{fmt::format("server number {} is not a reference", result.size() + 1)};
        result.emplace_back(id);
    }
    return result;
}

Statement read_statement(std::string_view body) {
    const auto root = parse(body);
    Statement result;
    if (const auto* flag = root.if_bool()) {
        result.kind = *flag ? Statement::Kind::yes : Statement::Kind::no;
    } else if (const auto* text = root.if_string()) {
        result.kind = Statement::Kind::text;
        result.text = *text;
    } else if (const auto* object = root.if_object()) {
        result = read_object(*object);
    }
    return result;
}

}  // namespace fip::providers::online
