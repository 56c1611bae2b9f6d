#include "simulators/online/account_json.hpp"

#include "core/errors.hpp"

namespace fip::sim {
namespace {

namespace json = boost::json;

[[noreturn]] void reject(std::string_view what) {
    throw InputError{"state: " + std::string{what}};
}

const json::array& array_of(const json::value& value, std::string_view what) {
    if (const auto* array = value.if_array()) return *array;
    reject(std::string{what} + " must be an array");
}

const json::object& object_of(const json::value& value, std::string_view what) {
    if (const auto* object = value.if_object()) return *object;
    reject(std::string{what} + " must be an object");
}

std::string text_of(const json::value& value, std::string_view what) {
    if (value.is_null()) return {};
    if (const auto* text = value.if_string()) return std::string{*text};
    reject(std::string{what} + " must be a string or null");
}

std::int64_t number_of(const json::value& value, std::string_view what) {
    if (value.is_null()) return 0;
    if (const auto* number = value.if_int64()) return *number;
    reject(std::string{what} + " must be a number or null");
}

std::string dotted(std::string name) {
    if (!name.empty() && !name.ends_with('.')) name += '.';
    return name;
}

Server server_from(const json::object& row) {
    Server server;
    for (const auto& [key, value] : row) {
        if (key == "id") {
            server.id = number_of(value, key);
        } else if (key == "address") {
            server.address = Address::parse(text_of(value, key));
        } else if (key == "hostname") {
            server.hostname = text_of(value, key);
        } else if (key == "reverse") {
            server.reverse = dotted(text_of(value, key));
        } else if (key == "mac") {
            server.mac = Mac::parse(text_of(value, key));
        } else {
            reject("a server has no field " + std::string{key});
        }
    }
    if (server.id <= 0) reject("a server needs an id");
    return server;
}

void change_entry(FailoverIp& entry, std::string_view key, const json::value& value, const Account& account) {
    if (key == "server") {
        entry.server = number_of(value, key);
        if (entry.server != 0 && !account.servers.contains(entry.server)) reject("no such server");
    } else if (key == "mac") {
        const auto text = text_of(value, key);
        entry.mac = text.empty() ? std::nullopt : std::optional{Mac::parse(text)};
    } else if (key == "reverse") {
        entry.reverse = dotted(text_of(value, key));
    } else if (key == "status") {
        entry.status = text_of(value, key);
    } else if (key == "busy_until") {
        entry.busy_until = number_of(value, key);
    } else {
        reject("an address has no field " + std::string{key});
    }
}

std::map<std::string, std::set<Address>> forward_from(const json::object& table) {
    std::map<std::string, std::set<Address>> forward;
    for (const auto& [name, addresses] : table) {
        for (const auto& item : array_of(addresses, name)) {
            forward[std::string{name}].insert(Address::parse(text_of(item, name)));
        }
    }
    return forward;
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

json::object to_json(const FailoverIp& entry) {
    json::object row;
    row["server"] = entry.server == 0 ? json::value(nullptr) : json::value(entry.server);
    row["mac"] = entry.mac ? json::value(entry.mac->text()) : json::value(nullptr);
    row["reverse"] = text_or_null(entry.reverse);
    row["status"] = entry.status;
    row["busy_until"] = entry.busy_until;
    return row;
}

json::object to_json(const Account& account) {
    json::array servers;
    for (const auto& [id, server] : account.servers) {
        servers.push_back(json::object{{"id", id},
                                       {"address", server.address.text()},
                                       {"hostname", server.hostname},
                                       {"mac", server.mac.text()},
                                       {"reverse", text_or_null(server.reverse)}});
    }
    json::object addresses;
    for (const auto& [address, entry] : account.failovers) addresses[address.text()] = to_json(entry);
    json::object forward;
    for (const auto& [name, records] : account.forward) {
        json::array list;
        for (const auto& record : records) list.push_back(json::string{record.text()});
        forward[name] = std::move(list);
    }
    return {{"servers", std::move(servers)},
            {"addresses", std::move(addresses)},
            {"forward", std::move(forward)},
            {"switches", account.switches.values()}};
}

void load(Account& account, const json::object& state) {
    auto next = account;
    for (const auto& [key, value] : state) {
        if (key == "servers") {
            next.servers.clear();
            for (const auto& row : array_of(value, key)) {
                const auto server = server_from(object_of(row, "a server"));
                if (next.server_at(server.address) != nullptr) reject("two servers have the same address");
                if (!next.servers.emplace(server.id, server).second) reject("two servers have the same id");
            }
        } else if (key == "forward") {
            next.forward = forward_from(object_of(value, key));
        } else if (key == "switches") {
            next.switches.set(object_of(value, key));
        } else if (key != "addresses" && key != "faults") {
            reject("unknown key " + std::string{key});
        }
    }
    // Last, because addresses name servers.
    if (const auto* addresses = state.if_contains("addresses")) {
        next.failovers.clear();
        for (const auto& [address, fields] : object_of(*addresses, "addresses")) {
            change(next, Address::parse(address), object_of(fields, address));
        }
    }
    for (const auto& [address, entry] : next.failovers) {
        if (entry.server != 0 && !next.servers.contains(entry.server)) reject(address.text() + " is on no server");
    }
    account = std::move(next);
}

void change(Account& account, const Address& address, const json::object& fields) {
    const auto known = account.failovers.find(address);
    auto entry = known == account.failovers.end() ? FailoverIp{} : known->second;
    for (const auto& [key, value] : fields) change_entry(entry, key, value, account);
    account.failovers[address] = entry;
}

}  // namespace fip::sim
