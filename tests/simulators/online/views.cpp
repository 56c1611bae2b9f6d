#include "simulators/online/views.hpp"

#include <algorithm>

namespace fip::sim {
namespace {

namespace json = boost::json;

std::string reference(std::int64_t id) {
    return "/api/v1/server/" + std::to_string(id);
}

json::value mac_value(const Account& account, const std::optional<Mac>& mac) {
    if (!mac) return nullptr;
    auto text = mac->text();
    if (account.switches.is("mac_case", "upper")) {
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
    }
    return json::value(text);
}

json::value reverse_value(const Account& account, const Address& address, const std::string& own) {
    const auto name = account.reverse_of(address, own);
    return name.empty() ? json::value(nullptr) : json::value(name);
}

void put_destination(json::object& out, const Account& account, std::int64_t server) {
    if (server != 0) {
        out["destination"] = account.servers.at(server).address.text();
    } else if (account.switches.is("null_destination", "null")) {
        out["destination"] = nullptr;
    } else if (account.switches.is("null_destination", "empty")) {
        out["destination"] = "";
    }
}

void put_server(json::object& out, const Account& account, std::int64_t server) {
    if (account.switches.is("server_ref", "absent")) return;
    if (server == 0 || account.switches.is("server_ref", "null")) {
        out["server"] = nullptr;
    } else {
        out["server"] = json::object{{"$ref", reference(server)}};
    }
}

std::string status_of(const Account& account, const FailoverIp& entry, UnixMs now) {
    return entry.busy_until > now ? account.switches.text("busy_status") : entry.status;
}

json::object contacts() {
    return {{"owner", "acct"}, {"tech", "acct"}};
}

void put_extra(json::object& out, const Account& account) {
    if (!account.switches.flag("extra_fields")) return;
    out["x_new"] = json::object{{"nested", json::array{1, "two", nullptr, 3.5, true}}};
    out["zz"] = "\xe2\x82\xac";
}

void put_inventory(json::object& out, const Account& account, const Server& server) {
    out["offer"] = "Dedibox XC";
    out["hostname"] = server.hostname;
    out["os"] = json::object{{"name", "debian"}, {"version", "debian_12"}};
    out["power"] = "ON";
    out["boot_mode"] = "normal";
    out["last_reboot"] = "2024-01-02T03:04:05.000Z";
    out["anti_ddos"] = false;
    out["hardware_watch"] = false;
    out["proactive_monitoring"] = false;
    out["support"] = "Basic service level";
    out["abuse"] = nullptr;
    const auto rack = account.switches.is("rack", "int") ? json::value(23) : json::value("A23");
    out["location"] = json::object{{"datacenter", "DC3"}, {"room", "4 4-6"}, {"zone", "4-6"}, {"line", "A"},
                                   {"rack", rack},        {"block", "C"},    {"position", 12}};
}

void put_hardware(json::object& out) {
    out["contacts"] = contacts();
    out["disks"] = json::array{json::object{{"$ref", "/api/v1/server/hardware/disk/1"}}};
    out["drive_arrays"] = json::array{};
    out["raid_controllers"] = json::array{};
    out["bmc"] = json::object{{"session_key", nullptr}};
}

void indent(std::string& out, std::size_t depth) {
    out += '\n';
    out.append(depth * 4, ' ');
}

void append_pretty(std::string& out, const json::value& value, std::size_t depth) {
    const bool is_empty =
        (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty());
    if (is_empty || !value.is_structured()) {
        out += json::serialize(value);
        return;
    }
    bool is_first = true;
    const auto next = [&] {
        if (!is_first) out += ',';
        is_first = false;
        indent(out, depth + 1);
    };
    out += value.is_array() ? '[' : '{';
    if (value.is_array()) {
        for (const auto& item : value.get_array()) {
            next();
            append_pretty(out, item, depth + 1);
        }
    } else {
        for (const auto& [key, item] : value.get_object()) {
            next();
            out += json::serialize(json::string{key}) + ": ";
            append_pretty(out, item, depth + 1);
        }
    }
    indent(out, depth);
    out += value.is_array() ? ']' : '}';
}

}  // namespace

json::array server_references(const Account& account) {
    json::array out;
    for (const auto& [id, server] : account.servers) out.push_back(json::string{reference(id)});
    return out;
}

json::object public_address(const Account& account, const Server& server) {
    return {{"address", server.address.text()},
            {"type", "public"},
            {"reverse", reverse_value(account, server.address, server.reverse)},
            {"mac", mac_value(account, server.mac)},
            {"switch_port_state", "up"}};
}

json::object failover_address(const Account& account, const Address& address, const FailoverIp& entry, UnixMs now) {
    json::object out{{"address", address.text()},
                     {"type", "failover"},
                     {"reverse", reverse_value(account, address, entry.reverse)},
                     {"mac", mac_value(account, entry.mac)}};
    put_destination(out, account, entry.server);
    put_server(out, account, entry.server);
    out["status"] = status_of(account, entry, now);
    put_extra(out, account);
    return out;
}

json::object server_details(const Account& account, const Server& server, UnixMs now) {
    json::object out{{"id", server.id}};
    const auto detail = account.switches.text("details");
    if (detail == "full") put_inventory(out, account, server);
    json::array failover_names;
    json::array addresses{public_address(account, server)};
    addresses.push_back(json::object{{"address", "10.90.1.2"},
                                     {"type", "private"},
                                     {"reverse", nullptr},
                                     {"mac", "aa:bb:cc:00:11:23"},
                                     {"switch_port_state", "up"}});
    for (const auto& [address, entry] : account.visible(now)) {
        if (entry.server != server.id) continue;
        failover_names.push_back(json::string{address.text()});
        addresses.push_back(failover_address(account, address, entry, now));
    }
    if (detail == "full") {
        out["network"] = json::object{{"ip", json::array{json::string{server.address.text()}}},
                                      {"private", json::array{"10.90.1.2"}},
                                      {"ipfo", std::move(failover_names)}};
    }
    if (detail != "no-addresses") out["ip"] = std::move(addresses);
    if (detail == "full") put_hardware(out);
    put_extra(out, account);
    return out;
}

json::object failover_entry(const Account& account, const Address& address, const FailoverIp& entry, UnixMs now) {
    json::object out{{"source", address.text()}};
    put_destination(out, account, entry.server);
    out["mac"] = mac_value(account, entry.mac);
    out["status"] = status_of(account, entry, now);
    put_server(out, account, entry.server);
    out["contacts"] = contacts();
    put_extra(out, account);
    return out;
}

json::array failover_list(const Account& account, UnixMs now) {
    json::array out;
    for (const auto& [address, entry] : account.visible(now)) {
        out.push_back(failover_entry(account, address, entry, now));
    }
    return out;
}

std::string compact(const json::value& value) {
    return json::serialize(value);
}

std::string pretty(const json::value& value) {
    std::string out;
    append_pretty(out, value, 0);
    return out;
}

// Outside of strings JSON has no slash.
std::string with_escaped_slashes(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '/') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace fip::sim
