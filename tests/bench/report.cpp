#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstddef>

namespace fip::bench {
namespace {

constexpr std::size_t columns = 7;
using Line = std::array<std::string, columns>;

// Three digits that count, whatever the size.
std::string shown(double value) {
    if (value == 0) return "0";
    const double size = std::fabs(value);
    if (size >= 100) return fmt::format("{:.0f}", value);
    if (size >= 10) return fmt::format("{:.1f}", value);
    if (size >= 0.1) return fmt::format("{:.2f}", value);
    return fmt::format("{:.3f}", value);
}

std::string with_unit(double value, const std::string& unit) {
    return unit.empty() ? shown(value) : shown(value) + " " + unit;
}

std::string target_of(const Row& row) {
    switch (row.limit) {
    case Row::Limit::ratio:
        return fmt::format("<= {:g} x", row.most);
    case Row::Limit::value:
        return fmt::format("<= {:g}{}{}", row.most, row.unit.empty() ? "" : " ", row.unit);
    case Row::Limit::none:
        break;
    }
    return "";
}

std::string verdict_of(const Row& row) {
    if (row.limit == Row::Limit::none) return "";
    return row.is_missed() ? "MISSED" : "ok";
}

Line line_of(const Row& row) {
    const auto ratio = row.ratio();
    return {row.what,
            with_unit(row.value, row.unit),
            row.reference,
            row.reference.empty() ? "" : with_unit(row.reference_value, row.unit),
            ratio ? shown(*ratio) + " x" : "",
            target_of(row),
            verdict_of(row)};
}

void append(std::string& text, const Line& line, const std::array<std::size_t, columns>& widths) {
    // Names to the left, numbers to the right.
    constexpr std::array<bool, columns> is_number{false, true, false, true, true, true, false};
    std::string padded;
    for (std::size_t i = 0; i < columns; ++i) {
        padded += is_number.at(i) ? fmt::format("{:>{}}  ", line.at(i), widths.at(i))
                                  : fmt::format("{:<{}}  ", line.at(i), widths.at(i));
    }
    padded.erase(padded.find_last_not_of(' ') + 1);
    text += padded + "\n";
}

}  // namespace

std::optional<double> Row::ratio() const {
    if (reference.empty() || reference_value <= 0) return std::nullopt;
    return value / reference_value;
}

bool Row::is_missed() const {
    if (limit == Limit::none) return false;
    const auto counts = limit == Limit::value ? std::optional{value} : ratio();
    return !counts || !(*counts <= most);
}

std::string table_of(const Report& report) {
    std::vector<Line> lines{{"WHAT", "MEDIAN", "REFERENCE", "MEDIAN", "RATIO", "TARGET", ""}};
    for (const auto& row : report.rows) lines.push_back(line_of(row));
    std::array<std::size_t, columns> widths{};
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < columns; ++i) widths.at(i) = std::max(widths.at(i), line.at(i).size());
    }
    std::string text;
    for (const auto& line : lines) append(text, line, widths);
    for (const auto& row : report.rows) {
        if (!row.note.empty()) text += fmt::format("  {}: {}\n", row.what, row.note);
    }
    for (const auto& failure : report.failures) text += fmt::format("NOT MEASURED {}\n", failure);
    return text;
}

std::string json_of(const Report& report) {
    boost::json::array rows;
    for (const auto& row : report.rows) {
        boost::json::object object{{"area", row.area}, {"what", row.what}, {"median", row.value}, {"unit", row.unit}};
        object["reference"] = nullptr;
        object["reference_median"] = nullptr;
        object["ratio"] = nullptr;
        object["target"] = nullptr;
        object["verdict"] = nullptr;
        if (!row.reference.empty()) {
            object["reference"] = row.reference;
            object["reference_median"] = row.reference_value;
        }
        if (const auto ratio = row.ratio()) object["ratio"] = *ratio;
        if (row.limit != Row::Limit::none) {
            object["target"] = target_of(row);
            object["verdict"] = verdict_of(row);
        }
        object["note"] = row.note;
        rows.push_back(std::move(object));
    }
    boost::json::array failures;
    for (const auto& failure : report.failures) failures.push_back(boost::json::string{failure});
    return boost::json::serialize(boost::json::object{{"rows", std::move(rows)}, {"failures", std::move(failures)}}) +
           "\n";
}

}  // namespace fip::bench
