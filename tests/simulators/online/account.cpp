#include "simulators/online/account.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace fip::sim {
namespace {

constexpr UnixMs longest_memory = 600'000;

std::string canonical_name(std::string name) {
    if (name.ends_with('.')) name.pop_back();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
}

bool is_host_name(const std::string& name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    return !name.empty() && name.size() <= 253 && name.find_first_not_of(allowed) == std::string::npos &&
           name.front() != '.' && name.front() != '-' && name.find("..") == std::string::npos &&
           name.find('.') != std::string::npos;
}

std::string mac_prefix(const std::string& type) {
    if (type == "kvm") return "52:54:00";
    if (type == "xen") return "00:16:3e";
    if (type == "vmware") return "00:50:56";
    return {};
}

}  // namespace

UnixMs unix_now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void Account::remember(UnixMs now) {
    while (!past_.empty() && past_.front().end < now - longest_memory) past_.pop_front();
    if (switches.number("read_lag_ms") > 0) past_.push_back({now, failovers});
}

const std::map<Address, FailoverIp>& Account::visible(UnixMs now) const {
    const auto seen = now - switches.number("read_lag_ms");
    for (const auto& moment : past_) {
        if (moment.end > seen) return moment.failovers;
    }
    return failovers;
}

const Server* Account::server_at(const Address& address) const {
    for (const auto& [id, server] : servers) {
        if (server.address == address) return &server;
    }
    return nullptr;
}

std::string Account::reverse_of(const Address& address, const std::string& own) const {
    if (!own.empty()) return own;
    if (switches.is("default_reverse", "null")) return {};
    return address.dashed() + ".rev.example.net.";
}

Outcome Account::conflict(const std::string& text) const {
    return {static_cast<int>(switches.number("conflict_status")), text};
}

std::optional<Outcome> Account::missing(const Address& address) const {
    if (failovers.contains(address)) return std::nullopt;
    return Outcome{404, "Address not found"};
}

std::set<Address> Account::with_groups(const std::set<Address>& sources) const {
    auto whole = sources;
    for (const auto& source : sources) {
        const auto& mac = failovers.at(source).mac;
        if (!mac) continue;
        for (const auto& [address, entry] : failovers) {
            if (entry.mac == mac) whole.insert(address);
        }
    }
    return whole;
}

std::optional<Outcome> Account::split_group(const std::set<Address>& sources) const {
    if (switches.is("partial_group", "move") || with_groups(sources) == sources) return std::nullopt;
    return Outcome{static_cast<int>(switches.number("partial_group_status")), switches.text("partial_group_text")};
}

std::optional<Outcome> Account::in_progress(const std::set<Address>& sources, UnixMs now) const {
    const bool is_busy = std::any_of(sources.begin(), sources.end(),
                                     [&](const auto& source) { return failovers.at(source).busy_until > now; });
    if (!is_busy) return std::nullopt;
    return conflict("Failover address routing in progress");
}

std::optional<Outcome> Account::already_there(const std::set<Address>& sources, std::int64_t server) const {
    const bool is_there = std::any_of(sources.begin(), sources.end(),
                                      [&](const auto& source) { return failovers.at(source).server == server; });
    if (!is_there) return std::nullopt;
    return conflict(server == 0 ? "Address already deprovisioned" : "Address already provisioned");
}

void Account::move(const std::set<Address>& sources, std::int64_t server, UnixMs now) {
    remember(now);
    std::map<Mac, Mac> changed;
    for (const auto& source : sources) {
        auto& entry = failovers.at(source);
        entry.server = server;
        entry.busy_until = now + switches.number("busy_ms");
        if (!entry.mac) continue;
        const auto rule = server == 0 ? switches.text("mac_after_null_route") : switches.text("mac_after_move");
        if (rule == "drop") entry.mac.reset();
        if (rule == "change") {
            const auto other = changed.try_emplace(*entry.mac, *entry.mac).first;
            if (other->second == other->first) other->second = new_mac(entry.mac->text().substr(0, 8));
            entry.mac = other->second;
        }
    }
}

Outcome Account::edit(const std::vector<Address>& list, const std::string& destination, UnixMs now) {
    const std::set<Address> sources{list.begin(), list.end()};
    if (sources.empty()) return {400, "Missing source"};
    for (const auto& source : sources) {
        if (auto refusal = missing(source)) return *refusal;
    }
    std::int64_t server = 0;
    if (!destination.empty()) {
        const auto address = Address::try_parse(destination);
        const auto* found = address ? server_at(*address) : nullptr;
        if (found == nullptr) return {404, "Server not found"};
        server = found->id;
    }
    if (auto refusal = split_group(sources)) return *refusal;
    auto busy = in_progress(sources, now);
    auto already = already_there(sources, server);
    if (switches.is("check_order", "already")) std::swap(busy, already);
    if (busy) return *busy;
    if (already) return *already;
    move(with_groups(sources), server, now);
    return {};
}

Mac Account::new_mac(const std::string& prefix) {
    for (;;) {
        const auto tail = random_();
        char text[18];
        std::snprintf(text, sizeof text, "%s:%02x:%02x:%02x", prefix.c_str(), static_cast<unsigned>(tail & 0xff),
                      static_cast<unsigned>(tail >> 8U & 0xff), static_cast<unsigned>(tail >> 16U & 0xff));
        const auto mac = Mac::parse(text);
        const bool is_used =
            std::any_of(failovers.begin(), failovers.end(), [&](const auto& entry) { return entry.second.mac == mac; });
        if (!is_used) return mac;
    }
}

Outcome Account::generate_mac(const Address& address, const std::string& type, UnixMs now) {
    if (auto refusal = missing(address)) return *refusal;
    const auto prefix = mac_prefix(type);
    auto& entry = failovers.at(address);
    if (prefix.empty()) return {400, "Invalid type"};
    if (entry.mac) return {409, "Address already has the virtual MAC " + entry.mac->text()};
    if (entry.server == 0 && switches.is("mac_while_null_routed", "refuse")) return {409, "Address is not provisioned"};
    if (entry.busy_until > now && switches.is("mac_while_busy", "refuse")) {
        return conflict("Failover address routing in progress");
    }
    remember(now);
    entry.mac = new_mac(prefix);
    return {};
}

Outcome Account::duplicate_mac(const Address& address, const Address& target, UnixMs now) {
    if (auto refusal = missing(address)) return *refusal;
    if (auto refusal = missing(target)) return *refusal;
    const auto& source = failovers.at(address);
    auto& copy = failovers.at(target);
    if (!source.mac) return {409, "Address has no virtual MAC"};
    if (copy.mac) return {409, "Address already has the virtual MAC " + copy.mac->text()};
    if (source.server != copy.server) return {409, "Addresses have different destinations"};
    remember(now);
    copy.mac = source.mac;
    return {};
}

Outcome Account::delete_mac(const Address& address, UnixMs now) {
    if (auto refusal = missing(address)) return *refusal;
    if (!failovers.at(address).mac) return {404, "Address has no virtual MAC"};
    remember(now);
    failovers.at(address).mac.reset();
    return {};
}

bool Account::resolves_to(const std::string& name, const Address& address) const {
    if (switches.is("resolver", "any")) return true;
    const auto record = forward.find(name);
    return record != forward.end() && record->second.contains(address);
}

Outcome Account::set_reverse(const std::vector<Address>& addresses, const std::string& name, UnixMs now) {
    const bool is_reset = name == "false";
    const auto wanted = canonical_name(name);
    if (addresses.empty()) return {400, "Missing address"};
    if (!is_reset && !is_host_name(wanted)) return {400, "Invalid reverse"};
    for (const auto& address : addresses) {
        if (!failovers.contains(address) && server_at(address) == nullptr) return {404, "Address not found"};
        if (!is_reset && !resolves_to(wanted, address)) {
            return {400, "The reverse must have an A record that points to " + address.text()};
        }
    }
    remember(now);
    for (const auto& address : addresses) {
        const auto own = is_reset ? std::string{} : wanted + ".";
        const auto* server = server_at(address);
        if (server != nullptr) servers.at(server->id).reverse = own;
        if (failovers.contains(address)) failovers.at(address).reverse = own;
    }
    return {};
}

}  // namespace fip::sim
