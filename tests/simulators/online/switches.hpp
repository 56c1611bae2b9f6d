#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fip::sim {

/// What is unknown of the real API, or differs between offers and years: each a named value with a default.
class Switches {
public:
    struct Rule {
        std::string name;
        boost::json::value initial;
        std::vector<std::string> allowed;  ///< Empty: any value of the initial one's type.
        std::string meaning;
    };

    Switches();
    [[nodiscard]] static const std::vector<Rule>& rules();

    /// @throws InputError  unknown name, wrong type, or a value that is not allowed; nothing is changed then
    void set(const boost::json::object& changes);

    [[nodiscard]] bool flag(std::string_view name) const { return values_.at(name).as_bool(); }
    [[nodiscard]] std::int64_t number(std::string_view name) const { return values_.at(name).as_int64(); }
    [[nodiscard]] std::string text(std::string_view name) const { return std::string{values_.at(name).as_string()}; }
    [[nodiscard]] bool is(std::string_view name, std::string_view value) const { return text(name) == value; }
    [[nodiscard]] const boost::json::object& values() const { return values_; }

private:
    boost::json::object values_;
};

}  // namespace fip::sim
