#include "simulators/online/faults.hpp"

#include "core/errors.hpp"

#include <algorithm>

namespace fip::sim {
namespace {

namespace json = boost::json;

bool is_endpoint(std::string_view name) {
    if (name == "*" || name == "read" || name == "write") return true;
    return std::any_of(endpoint::all.begin(), endpoint::all.end(), [&](const auto& e) { return e.name == name; });
}

bool hits(const Fault& fault, const Endpoint& endpoint) {
    if (fault.endpoint == "*") return true;
    if (fault.endpoint == "read") return !endpoint.is_write;
    if (fault.endpoint == "write") return endpoint.is_write;
    return fault.endpoint == endpoint.name;
}

[[noreturn]] void reject(std::string_view key) {
    throw InputError{"fault: \"" + std::string{key} + "\" is unknown or has a wrong value"};
}

std::int64_t number(std::string_view key, const json::value& value) {
    if (const auto* found = value.if_int64()) return *found;
    reject(key);
}

std::string text(std::string_view key, const json::value& value) {
    if (const auto* found = value.if_string()) return std::string{*found};
    reject(key);
}

void read_field(Fault& fault, std::string_view key, const json::value& value) {
    if (key == "endpoint") {
        fault.endpoint = text(key, value);
        if (!is_endpoint(fault.endpoint)) reject(key);
    } else if (key == "when") {
        const auto name = text(key, value);
        if (name != "before" && name != "after") reject(key);
        fault.when = name == "after" ? Fault::When::after : Fault::When::before;
    } else if (key == "cut") {
        const auto name = text(key, value);
        if (name != "none" && name != "before" && name != "middle") reject(key);
        fault.cut = name == "none" ? Fault::Cut::none : name == "before" ? Fault::Cut::before : Fault::Cut::middle;
    } else if (key == "body") {
        fault.body = text(key, value);
    } else if (key == "status") {
        fault.status = number(key, value);
    } else if (key == "content_type") {
        fault.content_type = text(key, value);
    } else if (key == "retry_after") {
        fault.retry_after = text(key, value);
    } else if (key == "location") {
        fault.location = text(key, value);
    } else if (key == "skip") {
        fault.skip = number(key, value);
    } else if (key == "times") {
        fault.times = number(key, value);
    } else if (key == "delay_ms") {
        fault.delay_ms = number(key, value);
    } else if (key == "repeat") {
        fault.repeat = number(key, value);
    } else if (key == "keep") {
        fault.keep = number(key, value);
    } else {
        reject(key);
    }
}

}  // namespace

Fault fault_from(const json::value& value) {
    if (!value.is_object()) throw InputError{"a fault is an object"};
    Fault fault;
    for (const auto& [key, field] : value.get_object()) read_field(fault, key, field);
    return fault;
}

json::object to_json(const Fault& fault) {
    json::object out{{"endpoint", fault.endpoint},
                     {"when", fault.when == Fault::When::after ? "after" : "before"},
                     {"skip", fault.skip},
                     {"times", fault.times},
                     {"delay_ms", fault.delay_ms},
                     {"repeat", fault.repeat},
                     {"content_type", fault.content_type},
                     {"retry_after", fault.retry_after},
                     {"location", fault.location},
                     {"keep", fault.keep},
                     {"cut", fault.cut == Fault::Cut::none     ? "none"
                             : fault.cut == Fault::Cut::before ? "before"
                                                               : "middle"}};
    if (fault.status) out["status"] = *fault.status;
    if (fault.body) out["body"] = *fault.body;
    return out;
}

std::optional<Fault> Faults::take(const Endpoint& endpoint) {
    for (auto fault = waiting_.begin(); fault != waiting_.end(); ++fault) {
        if (!hits(*fault, endpoint)) continue;
        if (fault->skip > 0) {
            --fault->skip;
            continue;
        }
        const auto taken = *fault;
        if (fault->times > 0 && --fault->times == 0) waiting_.erase(fault);
        return taken;
    }
    return std::nullopt;
}

}  // namespace fip::sim
