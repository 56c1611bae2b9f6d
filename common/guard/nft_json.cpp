#include "guard/nft_json.hpp"

#include "guard/nft_rules.hpp"
#include "ports/guard.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace fip::guard {
namespace json = boost::json;
namespace {

json::value word(std::string_view name, json::value what) {
    json::object object;
    object.emplace(name, std::move(what));
    return object;
}

json::value match(std::string_view op, json::value left, json::value right) {
    return word("match", json::object{{"op", op}, {"left", std::move(left)}, {"right", std::move(right)}});
}

}  // namespace

json::value meta(std::string_view key) {
    return word("meta", json::object{{"key", key}});
}
json::value payload(std::string_view protocol, std::string_view field) {
    return word("payload", json::object{{"protocol", protocol}, {"field", field}});
}
json::value concat(json::array parts) {
    return word("concat", std::move(parts));
}
json::value equals(json::value left, json::value right) {
    return match("==", std::move(left), std::move(right));
}
json::value differs(json::value left, json::value right) {
    return match("!=", std::move(left), std::move(right));
}
json::value counter() {
    return word("counter", nullptr);
}
json::value limit(int per_second) {
    return word("limit", json::object{{"rate", per_second}, {"burst", per_second}, {"per", "second"}});
}
json::value log_to(int group) {
    return word("log", json::object{{"group", group}, {"snaplen", 64}});
}
json::value jump(std::string_view chain) {
    return word("jump", json::object{{"target", chain}});
}
json::value verdict(std::string_view name) {
    return word(name, nullptr);
}
json::value update(std::string_view set, json::value key, json::array statements) {
    return word(
        "set", json::object{{"op", "update"}, {"elem", std::move(key)}, {"set", set}, {"stmt", std::move(statements)}});
}
json::value add_to(std::string_view set, json::value key) {
    return word("set", json::object{{"op", "add"}, {"elem", std::move(key)}, {"set", set}});
}

json::value quoted_device(const std::string& name) {
    constexpr std::size_t longest = 15;
    // nft 1.0.6 reads these as protocol numbers, wherever they stand.
    constexpr std::array<std::string_view, 11> numbers{"ah",   "comp", "dccp",     "esp", "icmp",   "icmpv6",
                                                       "sctp", "tcp",  "redirect", "udp", "udplite"};
    const bool has_bad_byte = std::any_of(name.begin(), name.end(), [](unsigned char c) {
        return c == '/' || c == ':' || c == '\0' || std::isspace(c) != 0 || c == 0xA0;
    });
    if (name.empty() || name.size() > longest || name == "." || name == ".." || has_bad_byte) {
        throw GuardError{"not the name of a network device: \"" + name.substr(0, 64) + "\""};
    }
    if (name.front() == '@' || name.ends_with("\\*") ||
        std::find(numbers.begin(), numbers.end(), name) != numbers.end()) {
        throw GuardError{"the guard cannot name the uplink \"" + name + "\" to nft: give the device another name"};
    }
    if (name.back() != '*') return json::value(name);
    return json::value(name.substr(0, name.size() - 1) + "\\*");
}

json::object Table::itself() const {
    return {{"family", family_}, {"name", table_name}};
}

json::object Table::object(json::object rest) const {
    rest.emplace("family", family_);
    rest.emplace("table", table_name);
    return rest;
}

void Batch::say(std::string_view verb, std::string_view kind, json::object what) {
    commands_.push_back(word(verb, word(kind, std::move(what))));
}

std::string Batch::text() && {
    return json::serialize(word("nftables", std::move(commands_)));
}

}  // namespace fip::guard
