#include "guard/nft_rules.hpp"

#include "guard/nft_json.hpp"
#include "ports/guard.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace fip::guard {
namespace {

namespace json = boost::json;

// After everything else that may rename a source MAC, and before br_netfilter, which takes the frame away.
constexpr int last_priority = std::numeric_limits<int>::max() - 1;
constexpr int normal_priority = 0;

// A counting set. nft 1.0.6 has no word for "dynamic" in JSON; it adds the flag itself when a rule of the same
// batch updates the set, and it cannot be added again later without it (EEXIST).
void add_counting_set(Batch& batch, const Table& table, std::string_view name, json::value type) {
    batch.add(
        "set",
        table.object(
            {{"name", name}, {"type", std::move(type)}, {"size", 1024}, {"flags", {"timeout"}}, {"timeout", 600}}));
}

void add_set(Batch& batch, const Table& table, std::string_view name, json::value type) {
    batch.add("set", table.object({{"name", name}, {"type", std::move(type)}}));
}

void fill(Batch& batch, const Table& table, std::string_view name, json::array elements) {
    batch.flush("set", table.object({{"name", name}}));
    if (!elements.empty()) batch.add("element", table.object({{"name", name}, {"elem", std::move(elements)}}));
}

struct Rule {
    std::string_view chain;
    json::array expressions;
};

// Frames with this sender that may not leave: counted, told, dropped. A full set ends the rule that updates it, so
// that each step has a rule of its own.
std::vector<Rule> blocking(const json::value& sender) {
    return {
        {"check", {update("@blocked", sender, {counter()})}},
        {"check", {differs(sender, "@announced"), limit(20), add_to("@announced", sender), log_to(log_group)}},
        {"check", {equals(meta("oifname"), "@enforced"), verdict("drop")}},
    };
}

void append(std::vector<Rule>& rules, std::vector<Rule> more) {
    for (auto& rule : more) rules.push_back(std::move(rule));
}

std::vector<Rule> source_rules() {
    const auto out = meta("oifname");
    const auto mac = payload("ether", "saddr");
    const auto type = payload("ether", "type");
    const auto v4 = payload("ip", "saddr");
    const auto v6 = payload("ip6", "saddr");
    return {
        // The sender inside must be the MAC itself. The set has 0.0.0.0 for each: probes.
        {"sources",
         {equals(type, "arp"), equals(payload("arp", "htype"), 1), equals(payload("arp", "ptype"), 0x0800),
          equals(payload("arp", "hlen"), 6), equals(payload("arp", "plen"), 4),
          equals(concat({out, mac, payload("arp", "saddr ether"), payload("arp", "saddr ip")}), "@arp4"),
          verdict("accept")}},
        {"sources", {equals(type, "ip"), equals(concat({out, mac, v4}), "@source4"), verdict("accept")}},
        {"sources",
         {equals(type, "ip"), equals(v4, "0.0.0.0"), equals(payload("udp", "sport"), 68),
          equals(payload("udp", "dport"), 67), verdict("accept")}},
        {"sources", {equals(type, "ip6"), equals(concat({out, mac, v6}), "@source6"), verdict("accept")}},
        {"sources", {equals(type, "ip6"), equals(concat({out, v6}), "@prefixes6"), verdict("accept")}},
        {"sources", {equals(type, "ip6"), equals(v6, "::"), equals(meta("l4proto"), "ipv6-icmp"), verdict("accept")}},
        {"sources",
         {differs(type, json::object{{"set", {"arp", "ip", "ip6", "8021q", "8021ad", 0x9100, 0x9200, 0x9300}}}),
          verdict("accept")}},
    };
}

std::vector<Rule> bridge_rules() {
    const auto out = meta("oifname");
    const auto mac = payload("ether", "saddr");
    auto rules = source_rules();
    rules.push_back({"check", {equals(concat({out, mac}), "@own"), verdict("accept")}});
    rules.push_back({"check", {equals(concat({out, mac}), "@registered"), jump("sources")}});
    append(rules, blocking(concat({out, meta("iifname"), mac})));
    for (const auto hook : {"forward", "output"}) {
        rules.push_back({hook, {equals(out, "@enforced"), jump("check")}});
        rules.push_back({hook, {equals(out, "@observed"), jump("check")}});
    }
    rules.push_back({"postrouting", {equals(out, "@enforced"), jump("check")}});
    return rules;
}

std::vector<Rule> netdev_check() {
    const auto sender = concat({meta("oifname"), payload("ether", "saddr")});
    std::vector<Rule> rules{{"check", {equals(sender, "@may_leave"), verdict("accept")}}};
    append(rules, blocking(sender));
    return rules;
}

void write_rules(Batch& batch, const Table& table, const std::vector<Rule>& rules) {
    for (const auto& rule : rules) {
        batch.add("rule", table.object({{"chain", rule.chain}, {"expr", rule.expressions}}));
    }
}

void add_chain(Batch& batch, const Table& table, std::string_view name) {
    batch.add("chain", table.object({{"name", name}}));
    batch.flush("chain", table.object({{"name", name}}));
}

void add_base_chain(Batch& batch, const Table& table, std::string_view name, std::string_view hook, int priority) {
    batch.add(
        "chain",
        table.object({{"name", name}, {"type", "filter"}, {"hook", hook}, {"prio", priority}, {"policy", "accept"}}));
    batch.flush("chain", table.object({{"name", name}}));
}

std::string link_local(const Mac& mac) {
    const auto& b = mac.bytes();
    constexpr std::string_view digits = "0123456789abcdef";
    const std::array<int, 8> bytes{b[0] ^ 2, b[1], b[2], 0xFF, 0xFE, b[3], b[4], b[5]};
    std::string text = "fe80:";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i % 2 == 0) text += ':';
        text += digits[static_cast<std::size_t>(bytes[i] >> 4)];
        text += digits[static_cast<std::size_t>(bytes[i] & 15)];
    }
    return text;
}

// The kernel takes no overlapping ranges: of two prefixes that overlap, one holds the other.
std::vector<Prefix> disjoint_v6(const std::vector<Prefix>& prefixes) {
    std::vector<Prefix> all;
    for (const auto& prefix : prefixes) {
        if (!prefix.first().is_v4()) all.push_back(prefix);
    }
    std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.length() < b.length(); });
    std::vector<Prefix> kept;
    for (const auto& prefix : all) {
        const bool is_held = std::any_of(kept.begin(), kept.end(), [&](auto& wide) { return wide.overlaps(prefix); });
        if (!is_held) kept.push_back(prefix);
    }
    return kept;
}

// What the sets of both tables hold.
struct Elements {
    json::array enforced, observed, own, registered, may_leave, arp4, source4, source6, prefixes6;

    void add(const UplinkRules& rules) {
        const auto device = quoted_device(rules.uplink);
        (rules.mode == GuardMode::enforce ? enforced : observed).push_back(device);
        for (const auto& mac : rules.own) {
            own.push_back(concat({device, json::value(mac.text())}));
            may_leave.push_back(own.back());
        }
        for (const auto& [mac, addresses] : rules.registered) add(device, mac, addresses);
        for (const auto& prefix : disjoint_v6(rules.ipv6)) {
            json::object range{{"addr", prefix.first().text()}, {"len", prefix.length()}};
            prefixes6.push_back(concat({device, json::object{{"prefix", std::move(range)}}}));
        }
    }

private:
    void add(const json::value& device, const Mac& mac, const std::set<Address>& addresses) {
        const json::value wearer(mac.text());
        registered.push_back(concat({device, wearer}));
        may_leave.push_back(registered.back());
        arp4.push_back(concat({device, wearer, wearer, "0.0.0.0"}));
        source6.push_back(concat({device, wearer, json::value(link_local(mac))}));
        for (const auto& address : addresses) {
            const json::value text(address.text());
            (address.is_v4() ? source4 : source6).push_back(concat({device, wearer, text}));
            if (address.is_v4()) arp4.push_back(concat({device, wearer, wearer, text}));
        }
    }
};

void write_bridge_table(Batch& batch, Elements& elements, const Standing& standing) {
    const Table table{"bridge"};
    batch.add("table", table.itself());
    add_set(batch, table, "enforced", "ifname");
    add_set(batch, table, "observed", "ifname");
    add_set(batch, table, "own", {"ifname", "ether_addr"});
    add_set(batch, table, "registered", {"ifname", "ether_addr"});
    add_set(batch, table, "arp4", {"ifname", "ether_addr", "ether_addr", "ipv4_addr"});
    add_set(batch, table, "source4", {"ifname", "ether_addr", "ipv4_addr"});
    add_set(batch, table, "source6", {"ifname", "ether_addr", "ipv6_addr"});
    batch.add("set", table.object({{"name", "prefixes6"}, {"type", {"ifname", "ipv6_addr"}}, {"flags", {"interval"}}}));
    if (!standing.has_bridge_table) {
        add_counting_set(batch, table, "blocked", {"ifname", "ifname", "ether_addr"});
        add_counting_set(batch, table, "announced", {"ifname", "ifname", "ether_addr"});
    }
    add_chain(batch, table, "sources");
    add_chain(batch, table, "check");
    add_base_chain(batch, table, "forward", "forward", normal_priority);
    add_base_chain(batch, table, "output", "output", normal_priority);
    add_base_chain(batch, table, "postrouting", "postrouting", last_priority);
    fill(batch, table, "enforced", std::move(elements.enforced));
    fill(batch, table, "observed", std::move(elements.observed));
    fill(batch, table, "own", std::move(elements.own));
    fill(batch, table, "registered", std::move(elements.registered));
    fill(batch, table, "arp4", std::move(elements.arp4));
    fill(batch, table, "source4", std::move(elements.source4));
    fill(batch, table, "source6", std::move(elements.source6));
    fill(batch, table, "prefixes6", std::move(elements.prefixes6));
    write_rules(batch, table, bridge_rules());
}

// A chain that hangs on its device stays. One that hangs elsewhere or nowhere (device renamed, or gone on a kernel
// that keeps the chain) is made again; one of an uplink whose device is away stays, for kernels that hang it on again.
void write_egress_chains(Batch& batch, const GuardRules& rules, const Standing& standing) {
    const Table table{"netdev"};
    std::map<std::string, std::string> wanted;
    for (const auto& uplink : rules) wanted[egress_chain(uplink.uplink)] = uplink.uplink;
    for (const auto& [chain, device] : standing.egress) {
        const auto found = wanted.find(chain);
        if (found != wanted.end() && found->second == device) continue;
        batch.flush("chain", table.object({{"name", chain}}));
        batch.remove("chain", table.object({{"name", chain}}));
    }
    for (const auto& [chain, device] : wanted) {
        const auto found = standing.egress.find(chain);
        const bool stands = found != standing.egress.end() && found->second == device;
        if (!stands && !standing.devices.contains(device)) continue;
        if (!stands) {
            batch.add("chain", table.object({{"name", chain},
                                             {"type", "filter"},
                                             {"hook", "egress"},
                                             {"dev", device},
                                             {"prio", last_priority},
                                             {"policy", "accept"}}));
        }
        batch.flush("chain", table.object({{"name", chain}}));
        write_rules(batch, table, {{chain, {jump("check")}}});
    }
}

void write_netdev_table(Batch& batch, Elements& elements, const GuardRules& rules, const Standing& standing) {
    const Table table{"netdev"};
    batch.add("table", table.itself());
    add_set(batch, table, "enforced", "ifname");
    add_set(batch, table, "may_leave", {"ifname", "ether_addr"});
    if (!standing.has_netdev_table) {
        add_counting_set(batch, table, "blocked", {"ifname", "ether_addr"});
        add_counting_set(batch, table, "announced", {"ifname", "ether_addr"});
    }
    add_chain(batch, table, "check");
    fill(batch, table, "enforced", elements.enforced);
    fill(batch, table, "may_leave", std::move(elements.may_leave));
    write_rules(batch, table, netdev_check());
    write_egress_chains(batch, rules, standing);
}

// Added first: deleting what is not there would fail the batch.
void remove_table(Batch& batch, const Table& table) {
    batch.add("table", table.itself());
    batch.remove("table", table.itself());
}

RuleCounts count(const std::vector<Rule>& rules) {
    RuleCounts counts;
    for (const auto& rule : rules) ++counts[std::string{rule.chain}];
    return counts;
}

}  // namespace

RuleCounts bridge_rule_counts() {
    return count(bridge_rules());
}

RuleCounts netdev_rule_counts(const std::set<std::string>& egress_chains) {
    auto counts = count(netdev_check());
    for (const auto& chain : egress_chains) counts[chain] = 1;
    return counts;
}

std::string egress_chain(std::string_view uplink) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string name = "egress_";
    for (const char byte : uplink) {
        const auto c = static_cast<unsigned char>(byte);
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (is_plain) {
            name += static_cast<char>(c);
        } else {
            name += '_';
            name += digits[c >> 4];
            name += digits[c & 15];
        }
    }
    return name;
}

std::string rules_batch(const GuardRules& rules, const Standing& standing, Renewal renewal) {
    Elements elements;
    for (const auto& uplink : rules) elements.add(uplink);
    Batch batch;
    auto kept = standing;
    if (renewal == Renewal::afresh) {
        remove_table(batch, Table{"netdev"});
        remove_table(batch, Table{"bridge"});
        kept.has_bridge_table = kept.has_netdev_table = false;
        kept.egress.clear();
    }
    write_netdev_table(batch, elements, rules, kept);
    write_bridge_table(batch, elements, kept);
    return std::move(batch).text();
}

std::string removal_batch(std::string_view family) {
    Batch batch;
    batch.remove("table", Table{family}.itself());
    return std::move(batch).text();
}

std::string forget_batch(const Standing& standing) {
    Batch batch;
    const auto forget = [&](std::string_view family) {
        const Table table{family};
        // Not the announced ones: who was told of is not told of again because it was counted.
        batch.flush("set", table.object({{"name", "blocked"}}));
        // To flush an empty set is no change, and OwnWrites needs one.
        batch.add("chain", table.object({{"name", "forgotten"}}));
        batch.remove("chain", table.object({{"name", "forgotten"}}));
    };
    if (standing.has_bridge_table) forget("bridge");
    if (standing.has_netdev_table) forget("netdev");
    return batch.is_empty() ? std::string{} : std::move(batch).text();
}

}  // namespace fip::guard
