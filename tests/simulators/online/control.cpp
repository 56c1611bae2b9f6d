#include "simulators/online/api.hpp"

#include "core/errors.hpp"
#include "simulators/online/account_json.hpp"
#include "simulators/online/views.hpp"

#include <optional>

namespace fip::sim {
namespace {

namespace json = boost::json;

WebReply reply_with(int status, const json::value& value) {
    WebReply reply;
    reply.status = status;
    reply.body = pretty(value) + "\n";
    return reply;
}

json::object body_object(const WebRequest& request) {
    boost::system::error_code failure;
    auto value = json::parse(request.body, failure);
    if (failure || !value.is_object()) throw InputError{"the body must be a JSON object"};
    return std::move(value.get_object());
}

json::value faults_json(const Shared& shared) {
    json::array out;
    for (const auto& fault : shared.faults.waiting()) out.push_back(to_json(fault));
    return out;
}

json::value state_json(const Shared& shared) {
    auto state = to_json(shared.account);
    state["faults"] = faults_json(shared);
    return state;
}

json::value counters_json(const Shared& shared) {
    std::int64_t reads = 0;
    std::int64_t writes = 0;
    std::int64_t effects = 0;
    json::object endpoints;
    for (const auto& known : endpoint::all) {
        const auto found = shared.counts.find(known.name);
        if (found == shared.counts.end()) continue;
        (known.is_write ? writes : reads) += found->second.requests;
        effects += found->second.effects;
        endpoints[known.name] = json::object{{"requests", found->second.requests}, {"effects", found->second.effects}};
    }
    return json::object{
        {"reads", reads}, {"writes", writes}, {"effects", effects}, {"endpoints", std::move(endpoints)}};
}

json::value log_json(const Shared& shared) {
    json::array out;
    for (const auto& entry : shared.log) {
        out.push_back(json::object{{"number", entry.number},
                                   {"at", entry.at},
                                   {"endpoint", entry.endpoint},
                                   {"method", entry.method},
                                   {"path", entry.path},
                                   {"fields", entry.fields},
                                   {"status", entry.status},
                                   {"effect", entry.has_effect},
                                   {"fault", entry.is_spoilt}});
    }
    return out;
}

json::value switches_json() {
    json::array out;
    for (const auto& rule : Switches::rules()) {
        json::array allowed;
        for (const auto& value : rule.allowed) allowed.push_back(json::string{value});
        out.push_back(json::object{{"name", rule.name},
                                   {"initial", rule.initial},
                                   {"allowed", std::move(allowed)},
                                   {"meaning", rule.meaning}});
    }
    return out;
}

void add_faults(Shared& shared, const std::string& body) {
    boost::system::error_code failure;
    const auto value = json::parse(body, failure);
    if (failure) throw InputError{"the body must be a fault or an array of them"};
    std::vector<Fault> found;
    if (const auto* list = value.if_array()) {
        for (const auto& item : *list) found.push_back(fault_from(item));
    } else {
        found.push_back(fault_from(value));
    }
    for (const auto& fault : found) shared.faults.add(fault);
}

std::optional<json::value> show(const Shared& shared, const std::string& what) {
    if (what == "ping") return json::value("pong");
    if (what == "state") return state_json(shared);
    if (what == "faults") return faults_json(shared);
    if (what == "counters") return counters_json(shared);
    if (what == "log") return log_json(shared);
    if (what == "switches") return json::value(shared.account.switches.values());
    if (what == "switches/rules") return switches_json();
    return std::nullopt;
}

bool clear(Shared& shared, const std::string& what) {
    if (what == "faults") {
        shared.faults.clear();
        ++shared.patience;
    } else if (what == "counters") {
        shared.counts.clear();
    } else if (what == "log") {
        shared.log.clear();
    } else {
        return false;
    }
    return true;
}

bool put(Shared& shared, const std::string& what, const WebRequest& request) {
    auto& account = shared.account;
    if (what == "state") {
        const auto state = body_object(request);
        Faults next;
        if (const auto* waiting = state.if_contains("faults")) {
            if (!waiting->is_array()) throw InputError{"faults must be an array"};
            for (const auto& fault : waiting->get_array()) next.add(fault_from(fault));
        }
        load(account, state);
        account.forget_past();
        if (state.contains("faults")) shared.faults = next;
    } else if (what == "switches") {
        account.switches.set(body_object(request));
    } else if (what == "forward") {
        auto table = to_json(account).at("forward").as_object();
        for (const auto& [name, records] : body_object(request)) table[name] = records;
        load(account, json::object{{"forward", std::move(table)}});
    } else if (what == "faults") {
        add_faults(shared, request.body);
    } else {
        return false;
    }
    return true;
}

// What a person does in the console: no rule of the API stands in the way.
std::optional<json::value> console(Shared& shared, const std::string& text, const WebRequest& request) {
    const auto address = Address::parse(text);
    auto& account = shared.account;
    if (request.method == "GET") {
        const auto found = account.failovers.find(address);
        if (found == account.failovers.end()) return std::nullopt;
        return to_json(found->second);
    }
    account.remember(unix_now());
    if (request.method == "DELETE") {
        if (account.failovers.erase(address) == 0) return std::nullopt;
        return json::value(true);
    }
    change(account, address, body_object(request));
    return to_json(account.failovers.at(address));
}

std::optional<json::value> answer(Shared& shared, const std::string& what, const WebRequest& request) {
    constexpr std::string_view addresses = "address/";
    if (what.starts_with(addresses)) return console(shared, what.substr(addresses.size()), request);
    if (request.method == "GET") return show(shared, what);
    const bool is_done = request.method == "DELETE" ? clear(shared, what) : put(shared, what, request);
    if (!is_done) return std::nullopt;
    return json::value(true);
}

}  // namespace

WebReply answer_control(Shared& shared, const WebRequest& request) {
    constexpr std::string_view prefix = "/control/";
    const auto what = request.path.substr(std::min(prefix.size(), request.path.size()));
    const std::lock_guard lock{shared.mutex};
    try {
        const auto value = answer(shared, what, request);
        if (!value) return reply_with(404, json::object{{"error", "no such thing to control"}});
        if (request.method != "GET") {
            shared.save();
            shared.wake.notify_all();
        }
        return reply_with(200, *value);
    } catch (const InputError& error) {
        return reply_with(400, json::object{{"error", error.what()}});
    }
}

}  // namespace fip::sim
