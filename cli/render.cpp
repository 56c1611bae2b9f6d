#include "render.hpp"

#include "runtime/printable.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace fip::cli {
namespace {

// Code points, not bytes: what a terminal shows of most scripts in one column each.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view code(Colour colour) {
    switch (colour) {
    case Colour::green:
        return "\x1b[32m";
    case Colour::yellow:
        return "\x1b[33m";
    case Colour::red:
        return "\x1b[31m";
    case Colour::bold:
        return "\x1b[1m";
    case Colour::dim:
        return "\x1b[2m";
    case Colour::none:
        break;
    }
    return "";
}

void write_whole(int file, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(file, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw std::system_error{errno, std::generic_category(), "cannot write the output"};
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace

Table::Table(std::vector<std::string> headings) {
    std::vector<Cell> row;
    row.reserve(headings.size());
    for (auto& heading : headings) row.push_back({std::move(heading), Colour::bold});
    rows_.push_back(std::move(row));
}

void Table::add(std::vector<Cell> row) {
    for (auto& cell : row) cell.text = cell.text.empty() ? "-" : shown(cell.text, 64);
    rows_.push_back(std::move(row));
}

std::string Table::text(bool is_coloured) const {
    std::vector<std::size_t> widths(rows_.front().size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths.at(i) = std::max(widths.at(i), columns(row[i].text));
    }
    std::string result;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            result += painted(row[i].text, row[i].colour, is_coloured);
            if (i + 1 < row.size()) result.append(widths[i] - columns(row[i].text) + 2, ' ');
        }
        result += '\n';
    }
    return result;
}

std::string shown(std::string_view text, std::size_t most) {
    return runtime::printable(text, most);
}

bool is_terminal(int file) {
    return ::isatty(file) == 1;
}

bool wants_colour(int file) {
    const char* no = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return is_terminal(file) && (no == nullptr || *no == '\0');
}

std::string painted(std::string_view text, Colour colour, bool is_coloured) {
    if (!is_coloured || colour == Colour::none) return std::string{text};
    return std::string{code(colour)} + std::string{text} + "\x1b[0m";
}

void print(std::string_view text) {
    write_whole(STDOUT_FILENO, text);
}

void complain(std::string_view text) {
    write_whole(STDERR_FILENO, "failover-ip: " + std::string{text} + "\n");
}

}  // namespace fip::cli
