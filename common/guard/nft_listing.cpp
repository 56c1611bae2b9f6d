#include "guard/nft_listing.hpp"

#include "guard/nft_rules.hpp"
#include "ports/guard.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace fip::guard {
namespace {

namespace json = boost::json;

[[noreturn]] void unreadable(const std::string& why) {
    throw GuardError{"what nft printed cannot be read: " + why};
}

const json::object& object_in(const json::value& value, const char* what) {
    if (const auto* object = value.if_object()) return *object;
    unreadable(std::string{what} + " is not an object");
}

const json::value* member(const json::object& object, std::string_view name) {
    return object.if_contains(name);
}

std::string text_of(const json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    if (value == nullptr || !value->is_string()) unreadable("no text \"" + std::string{name} + "\"");
    return std::string{value->as_string()};
}

json::value parse_listing(std::string_view listing) {
    json::error_code wrong;
    json::parse_options options;
    options.max_depth = 24;
    auto value = json::parse(listing, wrong, {}, options);
    if (wrong) unreadable(wrong.message());
    return value;
}

const json::array& items(const json::value& listing) {
    const auto* list = member(object_in(listing, "the listing"), "nftables");
    if (list == nullptr || !list->is_array()) unreadable("no list \"nftables\"");
    return list->get_array();
}

std::string key_part(const json::value& value) {
    if (const auto* text = value.if_string()) return std::string{*text};
    unreadable("a key that is no text");
}

std::vector<std::string> key_of(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) return {key_part(value)};
    const auto* parts = member(*object, "concat");
    if (parts == nullptr || !parts->is_array()) unreadable("a key that is no concatenation");
    std::vector<std::string> key;
    for (const auto& part : parts->get_array()) key.push_back(key_part(part));
    return key;
}

std::uint64_t number_in(const json::object& object, std::string_view name) {
    const auto* value = member(object, name);
    json::error_code wrong;
    const auto number = value == nullptr ? std::uint64_t{0} : value->to_number<std::uint64_t>(wrong);
    if (value == nullptr || wrong) unreadable("no number \"" + std::string{name} + "\"");
    return number;
}

// "key", {"concat": [...]}, or {"elem": {"val": either, "counter": {...}}}
SetElement read_element(const json::value& value) {
    const auto* object = value.if_object();
    const auto* wrapped = object == nullptr ? nullptr : member(*object, "elem");
    if (wrapped == nullptr) return {key_of(value)};
    const auto& inner = object_in(*wrapped, "an element");
    const auto* key = member(inner, "val");
    if (key == nullptr) unreadable("an element without \"val\"");
    SetElement element{key_of(*key)};
    if (const auto* counter = member(inner, "counter")) {
        const auto& counts = object_in(*counter, "a counter");
        element.packets = number_in(counts, "packets");
        element.bytes = number_in(counts, "bytes");
    }
    return element;
}

template <typename Function>
void for_each_line(std::string_view text, const Function& read) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        read(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Text between the first `before` and the last `after`; empty when either is missing.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
    const auto begin = line.find(before);
    const auto end = line.rfind(after);
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin + before.size()) return {};
    return line.substr(begin + before.size(), end - begin - before.size());
}

std::string table_line(std::string_view family) {
    return "table " + std::string{family} + " " + std::string{table_name} + " {";
}

}  // namespace

std::map<std::string, std::size_t> read_rule_counts(std::string_view listing) {
    const auto parsed = parse_listing(listing);
    std::map<std::string, std::size_t> counts;
    for (const auto& item : items(parsed)) {
        const auto& object = object_in(item, "an item");
        if (const auto* chain = member(object, "chain")) counts[text_of(object_in(*chain, "a chain"), "name")] += 0;
        if (const auto* rule = member(object, "rule")) ++counts[text_of(object_in(*rule, "a rule"), "chain")];
    }
    return counts;
}

std::vector<SetElement> read_elements(std::string_view listing, std::size_t most) {
    const auto parsed = parse_listing(listing);
    for (const auto& item : items(parsed)) {
        const auto* set = member(object_in(item, "an item"), "set");
        if (set == nullptr) continue;
        const auto* elements = member(object_in(*set, "a set"), "elem");
        if (elements == nullptr) return {};
        if (!elements->is_array()) unreadable("elements that are no list");
        if (elements->get_array().size() > most) unreadable("more than " + std::to_string(most) + " elements");
        std::vector<SetElement> all;
        for (const auto& element : elements->get_array()) all.push_back(read_element(element));
        return all;
    }
    unreadable("no set in it");
}

std::map<std::string, std::string> read_egress_chains(std::string_view listing) {
    std::map<std::string, std::string> chains;
    bool is_ours = false;
    std::string chain;
    for_each_line(listing, [&](std::string_view line) {
        if (line.starts_with("table ")) is_ours = line == table_line("netdev");
        if (!is_ours) return;
        if (line.starts_with("\tchain ")) {
            chain = between(line, "\tchain ", " {");
            if (!chain.starts_with("egress_")) chain.clear();
            if (!chain.empty()) chains[chain].clear();
        }
        if (chain.empty() || !line.starts_with("\t\ttype filter hook egress ")) return;
        chains[chain] = between(line, " device \"", "\" priority ");
    });
    return chains;
}

bool lists_set(std::string_view listing, std::string_view family, std::string_view name) {
    const auto parsed = parse_listing(listing);
    for (const auto& item : items(parsed)) {
        const auto* set = member(object_in(item, "an item"), "set");
        if (set == nullptr) continue;
        const auto& object = object_in(*set, "a set");
        if (text_of(object, "family") == family && text_of(object, "table") == table_name &&
            text_of(object, "name") == name) {
            return true;
        }
    }
    return false;
}

bool lists_table(std::string_view listing, std::string_view family) {
    bool found = false;
    for_each_line(listing, [&](std::string_view line) { found = found || line == table_line(family); });
    return found;
}

}  // namespace fip::guard
