#include "swap_note.hpp"

#include <boost/json.hpp>

#include <limits>

namespace fip::plugin {
namespace {

namespace json = boost::json;

constexpr std::size_t most_text = 1U << 20U;

std::string_view string_at(const json::object& object, const char* key) {
    const auto* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string_view{found->get_string()} : std::string_view{};
}

std::optional<std::int64_t> number_at(const json::object& object, const char* key) {
    const auto* found = object.if_contains(key);
    return found != nullptr && found->is_int64() ? std::optional{found->get_int64()} : std::nullopt;
}

}  // namespace

std::string text_of(const SwapNote& note) {
    json::object object{{"way", note.way == SwapWay::reset ? "reset" : "ask"},
                        {"run", note.run},
                        {"our_pause", note.is_our_pause},
                        {"alias", note.alias},
                        {"worn", note.worn.text()},
                        {"wanted", note.wanted.text()},
                        {"worn_element", note.worn_element},
                        {"wanted_element", note.wanted_element}};
    if (note.ran) object["ran_us"] = std::int64_t{note.ran->count()};
    return json::serialize(object);
}

std::optional<SwapNote> read_swap_note(const std::string& text) {
    if (text.size() > most_text) return {};
    boost::system::error_code problem;
    const auto value = json::parse(text, problem);
    if (problem || !value.is_object()) return {};
    const auto& object = value.get_object();
    const auto way = string_at(object, "way");
    const auto run = number_at(object, "run");
    const auto* our_pause = object.if_contains("our_pause");
    const auto worn = Mac::try_parse(string_at(object, "worn"));
    const auto wanted = Mac::try_parse(string_at(object, "wanted"));
    if ((way != "reset" && way != "ask") || !run || our_pause == nullptr || !our_pause->is_bool() || !worn || !wanted) {
        return {};
    }
    if (*run < -1 || *run > std::numeric_limits<int>::max()) return {};
    SwapNote note{way == "reset" ? SwapWay::reset : SwapWay::ask,
                  static_cast<int>(*run),
                  our_pause->get_bool(),
                  {},
                  std::string{string_at(object, "alias")},
                  *worn,
                  *wanted,
                  std::string{string_at(object, "worn_element")},
                  std::string{string_at(object, "wanted_element")}};
    if (const auto ran = number_at(object, "ran_us")) note.ran = std::chrono::microseconds{*ran};
    if (note.alias.empty() || note.worn_element.empty() || note.wanted_element.empty()) return {};
    return note;
}

}  // namespace fip::plugin
