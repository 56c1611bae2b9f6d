#include "reports.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace fip::cli {
namespace {

namespace json = boost::json;

constexpr int try_again = 3;

bool is_idle(const std::string& text) {
    return text == "nothing to do\n" || text == "nothing would be done\n";
}

void add_provider(json::array& providers, const json::value& one) {
    const auto* object = one.if_object();
    const auto* name = object == nullptr ? nullptr : object->if_contains("provider");
    if (name == nullptr) return;
    const auto known =
        std::ranges::find_if(providers, [&](const json::value& other) { return other.at("provider") == *name; });
    if (known == providers.end()) {
        providers.push_back(one);
    } else if (known->at("problem").is_null() && object->contains("problem")) {
        known->as_object()["problem"] = object->at("problem");
    }
}

void add(json::object& all, const json::object& one) {
    for (const auto& [key, value] : one) {
        auto& there = all[key];
        if (there.is_null()) {
            there = value;
        } else if (there.is_array() && value.is_array()) {
            for (const auto& element : value.get_array()) {
                if (key == "providers") {
                    add_provider(there.get_array(), element);
                } else {
                    there.get_array().push_back(element);
                }
            }
        }
    }
}

}  // namespace

int joined_exit_code(const std::vector<Ran>& reports) {
    int code = 0;
    for (const auto& report : reports) {
        if (code == 0 || (code == try_again && report.exit_code != 0)) code = report.exit_code;
    }
    return code;
}

std::string joined_text(const std::vector<Ran>& reports) {
    std::string text;
    for (const auto& report : reports) {
        if (!is_idle(report.out)) text += report.out;
    }
    for (const auto& report : reports) {
        if (text.empty()) text = report.out;
    }
    return text;
}

std::string joined_json(const std::vector<Ran>& reports) {
    if (reports.size() == 1) return reports.front().out;
    json::object all;
    for (const auto& report : reports) {
        json::error_code error;
        const auto value = json::parse(report.out, error);
        if (!error && value.is_object()) add(all, value.get_object());
    }
    return all.empty() ? std::string{} : json::serialize(all) + "\n";
}

}  // namespace fip::cli
