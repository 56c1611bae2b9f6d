#include "fakes/fake_failover_api.hpp"

#include "core/errors.hpp"

#include <algorithm>
#include <stdexcept>

namespace fip::test {
namespace {

Answer refuse(std::string text) {
    return {Verdict::refused, std::move(text)};
}

std::string canonical_name(std::string name) {
    if (name.ends_with('.')) name.pop_back();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
}

Fault next_fault(FakeAccount& account, ApiCall call) {
    ++account.calls[call];
    if (account.is_down) return Fault::unavailable_before;
    auto& queue = account.faults[call];
    if (queue.empty()) return Fault::none;
    const auto fault = queue.front();
    queue.pop_front();
    return fault;
}

void check_limit(std::chrono::milliseconds limit) {
    if (limit.count() <= 0) throw ProviderUnavailable{"no time left to ask the provider"};
}

// `judge` says what stands against the order, or nothing; `effect` carries it out.
Answer write(FakeAccount& account, ApiCall call, std::chrono::milliseconds limit,
             const std::function<std::optional<Answer>()>& judge, const std::function<void()>& effect) {
    check_limit(limit);
    const auto fault = next_fault(account, call);
    switch (fault) {
    case Fault::unavailable_before:
        throw ProviderUnavailable{"the provider does not answer (fault)"};
    case Fault::denied:
        throw ProviderRefused{"the provider does not accept the token (fault)"};
    case Fault::busy:
        return {Verdict::busy, "Failover address routing in progress"};
    case Fault::refused:
        return refuse("refused without a reason");
    case Fault::already:
        return {Verdict::already, "Address already provisioned"};
    case Fault::none:
    case Fault::unavailable_after:
        break;
    }
    if (auto verdict = judge()) {
        if (fault == Fault::unavailable_after) throw ProviderUnavailable{"the answer was lost (fault)"};
        return *verdict;
    }
    if (account.before_effect) account.before_effect(call);
    effect();
    if (account.after_effect) account.after_effect(call);
    if (fault == Fault::unavailable_after) throw ProviderUnavailable{"the answer was lost (fault)"};
    return {};
}

std::optional<Answer> unknown(const FakeAccount& account, const Address& address) {
    if (account.addresses.contains(address)) return std::nullopt;
    return refuse("Address " + address.text() + " not found");
}

}  // namespace

FakeAddress& FakeAccount::add(std::string_view address, std::optional<std::string> routed_to) {
    auto& entry = addresses[Address::parse(address)];
    entry.server = std::move(routed_to);
    return entry;
}

FakeAddress& FakeAccount::at(std::string_view address) {
    return addresses.at(Address::parse(address));
}

int FakeAccount::writes() const {
    int total = 0;
    for (const auto& [call, count] : calls) total += call == ApiCall::list ? 0 : count;
    return total;
}

std::string FakeAccount::default_reverse(const Address& address) const {
    return address.dashed() + ".rev.example.net";
}

Mac FakeAccount::next_mac(const std::string& mac_type) {
    std::string text = mac_type == "xen" ? "00:16:3e" : mac_type == "vmware" ? "00:50:56" : "52:54:00";
    const auto number = ++macs_made_;
    for (const int shift : {16, 8, 0}) {
        static constexpr char digits[] = "0123456789abcdef";
        const auto octet = (number >> shift) & 0xffU;
        text += {':', digits[octet >> 4U], digits[octet & 15U]};
    }
    return Mac::parse(text);
}

std::vector<ProviderAddress> FakeFailoverApi::list(std::chrono::milliseconds limit) {
    check_limit(limit);
    switch (next_fault(*account_, ApiCall::list)) {
    case Fault::none:
        break;
    case Fault::denied:
        throw ProviderRefused{"the provider does not accept the token (fault)"};
    default:
        throw ProviderUnavailable{"the provider does not answer (fault)"};
    }
    std::vector<ProviderAddress> result;
    for (const auto& [address, entry] : account_->addresses) {
        ProviderAddress seen;
        seen.address = address;
        seen.server = entry.server;
        seen.mac = entry.mac;
        if (entry.server == account_->server) {
            seen.reverse = entry.reverse.empty() ? account_->default_reverse(address) : entry.reverse;
        }
        result.push_back(seen);
    }
    return result;
}

bool FakeFailoverApi::is_group_whole(const std::set<Address>& group) const {
    const auto& all = account_->addresses;
    return std::all_of(group.begin(), group.end(), [&](const Address& member) {
        const auto& mac = all.at(member).mac;
        return !mac || std::all_of(all.begin(), all.end(),
                                   [&](const auto& row) { return row.second.mac != mac || group.contains(row.first); });
    });
}

Answer FakeFailoverApi::route(const std::vector<Address>& group, std::chrono::milliseconds limit) {
    auto& all = account_->addresses;
    const std::set<Address> members{group.begin(), group.end()};
    const auto judge = [&]() -> std::optional<Answer> {
        if (members.empty()) return refuse("no address named");
        for (const auto& address : members) {
            if (auto verdict = unknown(*account_, address)) return verdict;
        }
        if (!is_group_whole(members)) return refuse("A virtual MAC group moves as a whole");
        for (const auto& address : members) {
            if (all.at(address).busy_answers > 0) {
                --all.at(address).busy_answers;
                return Answer{Verdict::busy, "Failover address routing in progress"};
            }
        }
        for (const auto& address : members) {
            if (all.at(address).server == account_->server) {
                return Answer{Verdict::already, "Address already provisioned"};
            }
        }
        return std::nullopt;
    };
    return write(*account_, ApiCall::route, limit, judge, [&] {
        for (const auto& address : members) {
            all.at(address).server = account_->server;
            all.at(address).busy_answers = account_->busy_after_route;
        }
    });
}

Answer FakeFailoverApi::issue_mac(const Address& address, const std::string& mac_type,
                                  std::chrono::milliseconds limit) {
    const auto judge = [&]() -> std::optional<Answer> {
        if (auto verdict = unknown(*account_, address)) return verdict;
        const auto& entry = account_->addresses.at(address);
        if (mac_type != "kvm" && mac_type != "xen" && mac_type != "vmware") return refuse("unknown MAC type");
        if (entry.mac) return refuse("Address has the virtual MAC " + entry.mac->text());
        if (!entry.server) return refuse("Address is not routed");
        return std::nullopt;
    };
    return write(*account_, ApiCall::issue_mac, limit, judge,
                 [&] { account_->addresses.at(address).mac = account_->next_mac(mac_type); });
}

Answer FakeFailoverApi::share_mac(const Address& source, const Address& target, std::chrono::milliseconds limit) {
    auto& all = account_->addresses;
    const auto judge = [&]() -> std::optional<Answer> {
        if (auto verdict = unknown(*account_, source)) return verdict;
        if (auto verdict = unknown(*account_, target)) return verdict;
        if (!all.at(source).mac) return refuse("The source has no virtual MAC");
        if (all.at(target).mac) return refuse("Address has the virtual MAC " + all.at(target).mac->text());
        if (all.at(source).server != all.at(target).server) return refuse("The destinations differ");
        return std::nullopt;
    };
    return write(*account_, ApiCall::share_mac, limit, judge, [&] { all.at(target).mac = all.at(source).mac; });
}

Answer FakeFailoverApi::revoke_mac(const Address& address, std::chrono::milliseconds limit) {
    const auto judge = [&]() -> std::optional<Answer> {
        if (auto verdict = unknown(*account_, address)) return verdict;
        if (!account_->addresses.at(address).mac) return refuse("Address has no virtual MAC");
        return std::nullopt;
    };
    return write(*account_, ApiCall::revoke_mac, limit, judge, [&] { account_->addresses.at(address).mac.reset(); });
}

Answer FakeReverseDns::set(const Address& address, const std::string& name, std::chrono::milliseconds limit) {
    const auto wanted = canonical_name(name);
    const auto judge = [&]() -> std::optional<Answer> {
        if (auto verdict = unknown(*account_, address)) return verdict;
        if (wanted.empty() || wanted.find_first_of(" \t\n") != std::string::npos) return refuse("Invalid name");
        const auto record = account_->forward.find(wanted);
        const bool points_here = record != account_->forward.end() && record->second == address;
        if (!account_->accepts_any_name && !points_here) return refuse("No A record points to the address");
        return std::nullopt;
    };
    return write(*account_, ApiCall::set_reverse, limit, judge,
                 [&] { account_->addresses.at(address).reverse = wanted; });
}

Answer FakeReverseDns::reset(const Address& address, std::chrono::milliseconds limit) {
    return write(
        *account_, ApiCall::reset_reverse, limit, [&] { return unknown(*account_, address); },
        [&] { account_->addresses.at(address).reverse.clear(); });
}

}  // namespace fip::test
