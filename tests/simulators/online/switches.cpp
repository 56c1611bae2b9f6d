#include "simulators/online/switches.hpp"

#include "core/errors.hpp"

#include <algorithm>

namespace fip::sim {
namespace {

const Switches::Rule& find_rule(std::string_view name) {
    const auto& rules = Switches::rules();
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return r.name == name; });
    if (rule == rules.end()) throw InputError{"unknown switch " + std::string{name}};
    return *rule;
}

void check(const Switches::Rule& rule, const boost::json::value& value) {
    if (value.kind() != rule.initial.kind()) throw InputError{"switch " + rule.name + ": wrong type"};
    if (value.is_int64() && value.get_int64() < 0) throw InputError{"switch " + rule.name + ": negative"};
    if (rule.allowed.empty()) return;
    const std::string text{value.as_string()};
    if (std::find(rule.allowed.begin(), rule.allowed.end(), text) == rule.allowed.end()) {
        throw InputError{"switch " + rule.name + ": not one of its values"};
    }
}

}  // namespace

// Section numbers are those of the facts about the API; the folder's README explains each.
const std::vector<Switches::Rule>& Switches::rules() {
    static const std::vector<Rule> all{
        {"busy_ms", 30000, {}, "1.13: how long an address is in progress after an edit"},
        {"read_lag_ms", 0, {}, "1.12: reads show the account as it was so long ago"},
        {"latency_ms", 0, {}, "every reply is so late"},
        {"deny", "no", {"no", "401", "403"}, "1.3: the token is wrong, or lacks a right"},
        {"requests_per_minute", 0, {}, "1.10, 9 row 6: more are answered with quota_status; 0: no quota"},
        {"quota_status", 503, {}, "1.10, 9 row 6: 503 seen, 429 possible"},
        {"quota_body", "json", {"json", "empty", "html"}, "1.12 item 6"},
        {"quota_retry_after", 0, {}, "1.10: seconds in a Retry-After header; 0: none"},
        {"quota_retry_after_in_body", false, {}, "1.10: retry_after in the body"},
        {"error_style", "error", {"error", "description"}, "1.2: plain, or OAuth-style with error_description"},
        {"error_code", 0, {}, "1.3: `code` of every error; 0: absent"},
        {"conflict_status", 409, {}, "1.3, 9 row 1: status of the three routing messages"},
        {"check_order", "busy", {"busy", "already"}, "1.3: what an edit looks at first"},
        {"partial_group", "refuse", {"refuse", "move"}, "1.11, 9 row 5: edit of a part of a MAC group"},
        {"partial_group_status", 409, {}, "1.13"},
        {"partial_group_text", "A virtual MAC group can only be moved as a whole", {}, "1.13"},
        {"mac_while_null_routed", "refuse", {"refuse", "allow"}, "9 row 4: generateMac on a null-routed address"},
        {"mac_while_busy", "allow", {"allow", "refuse"}, "1.12: generateMac while an edit is in progress"},
        {"mac_after_null_route", "keep", {"keep", "drop"}, "9 row 4"},
        {"mac_after_move", "keep", {"keep", "drop", "change"}, "1.11: what a move does to the MAC"},
        {"mac_case", "lower", {"lower", "upper"}, "1.5"},
        {"mac_reply", "quoted", {"quoted", "bare"}, "1.8: body of generateMac"},
        {"resolver", "any", {"any", "table"}, "1.8: forward check of ip/edit: accept all, or the forward table"},
        {"default_reverse", "name", {"name", "null"}, "1.5: what an address without a name of its own shows"},
        {"busy_status", "active", {"active", "pending"}, "9 row 3: `status` while an edit is in progress"},
        {"null_destination", "null", {"null", "empty", "absent"}, "1.6: destination of a null-routed address"},
        {"failover_item", "object", {"object", "array"}, "9 row 2: GET /server/failover/{ip}"},
        {"rack", "string", {"string", "int"}, "1.5"},
        {"details", "full", {"full", "sparse", "no-addresses"}, "1.5: all fields may be missing on some offers"},
        {"server_ref", "object", {"object", "null", "absent"}, "1.6: `server` of a failover entry"},
        {"extra_fields", false, {}, "objects carry fields nobody knows"},
        {"escape_slashes", true, {}, "1.1: the PHP encoder writes \\/"},
        {"request_id", false, {}, "X-Request-Id on every reply"},
    };
    return all;
}

Switches::Switches() {
    for (const auto& rule : rules()) values_[rule.name] = rule.initial;
}

void Switches::set(const boost::json::object& changes) {
    for (const auto& [name, value] : changes) check(find_rule(name), value);
    for (const auto& [name, value] : changes) values_[name] = value;
}

}  // namespace fip::sim
