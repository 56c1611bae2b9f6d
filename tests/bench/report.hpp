#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fip::bench {

/// One line of the table.
struct Row {
    /// What the target limits.
    enum class Limit {
        none,   ///< For information.
        ratio,  ///< value / reference
        value,
    };

    std::string area;
    std::string what;
    std::string unit;  ///< Of value and reference: "ms", "MB", ...
    double value = 0;
    std::string reference{};  ///< What it is compared with; empty: nothing.
    double reference_value = 0;
    Limit limit = Limit::none;
    double most = 0;  ///< Value or ratio, as `limit` says.
    std::string note{};

    [[nodiscard]] std::optional<double> ratio() const;
    [[nodiscard]] bool is_missed() const;
};

/// What was measured, and what could not be.
struct Report {
    std::vector<Row> rows;
    std::vector<std::string> failures;  ///< "area: why"
};

[[nodiscard]] std::string table_of(const Report& report);
[[nodiscard]] std::string json_of(const Report& report);

}  // namespace fip::bench
