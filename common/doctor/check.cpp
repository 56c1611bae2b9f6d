#include "doctor/check.hpp"

#include "runtime/printable.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace fip::doctor {
namespace {

namespace json = boost::json;

constexpr std::size_t most_shown = 10;

std::string_view word_of(Health health) {
    if (health == Health::ok) return "ok  ";
    return health == Health::warn ? "WARN" : "FAIL";
}

json::value value_of(Health health) {
    if (health == Health::warn) return "warn";
    return health == Health::ok;
}

std::string text_at(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) throw std::runtime_error{"a check without " + std::string{key}};
    return std::string{value->get_string()};
}

Health health_at(const json::object& object) {
    const auto* value = object.if_contains("ok");
    if (value == nullptr) throw std::runtime_error{"a check without ok"};
    if (value->is_bool()) return value->get_bool() ? Health::ok : Health::fail;
    return Health::warn;
}

}  // namespace

Check ok(std::string name, std::string text) {
    return {std::move(name), Health::ok, std::move(text), ""};
}

Check warn(std::string name, std::string text, std::string hint) {
    return {std::move(name), Health::warn, std::move(text), std::move(hint)};
}

Check fail(std::string name, std::string text, std::string hint) {
    return {std::move(name), Health::fail, std::move(text), std::move(hint)};
}

void attempt(Checks& checks, const std::string& name, const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& error) {
        checks.push_back(fail(name, std::string{"cannot be checked: "} + error.what(), ""));
    }
}

int exit_code_of(const Checks& checks) {
    return std::ranges::find(checks, Health::fail, &Check::health) == checks.end() ? 0 : 1;
}

std::string text_of(const Checks& checks) {
    std::string text;
    for (const auto& check : checks) {
        text += std::string{word_of(check.health)} + "  " + runtime::printable(check.name, 100) + ": " +
                runtime::printable(check.text, 1000) + "\n";
        if (!check.hint.empty()) text += "      -> " + runtime::printable(check.hint, 1000) + "\n";
    }
    return text;
}

std::string json_of(const Checks& checks) {
    json::array list;
    for (const auto& check : checks) {
        // Names of guests come from files: what is not UTF-8 would be no JSON.
        list.push_back(json::object{{"name", runtime::printable(check.name, 100)},
                                    {"ok", value_of(check.health)},
                                    {"text", runtime::printable(check.text, 1000)},
                                    {"hint", runtime::printable(check.hint, 1000)}});
    }
    return json::serialize(list) + "\n";
}

Checks parse_checks(std::string_view text) {
    json::error_code error;
    const auto value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_array()) throw std::runtime_error{"it is no list of checks"};
    Checks checks;
    for (const auto& each : value.get_array()) {
        if (!each.is_object()) throw std::runtime_error{"it is no list of checks"};
        const auto& object = each.get_object();
        checks.push_back(
            {text_at(object, "name"), health_at(object), text_at(object, "text"), text_at(object, "hint")});
    }
    return checks;
}

std::string some_of(const std::vector<std::string>& names) {
    std::string text;
    const auto shown = std::min(names.size(), most_shown);
    for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + names[i];
    if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

}  // namespace fip::doctor
