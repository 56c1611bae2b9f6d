#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fip::cli {

enum class Colour { none, green, yellow, red, bold, dim };

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

/// A table for people: columns aligned, two blanks apart, no trailing blanks. Cells may hold anything.
class Table {
public:
    explicit Table(std::vector<std::string> headings);
    void add(std::vector<Cell> row);
    /// Every row on a line of its own, the headings first.
    [[nodiscard]] std::string text(bool is_coloured) const;

private:
    std::vector<std::vector<Cell>> rows_;
};

/// Somebody's text made fit for one line of a terminal: escapes for what is not printable, at most `most` columns.
[[nodiscard]] std::string shown(std::string_view text, std::size_t most = 200);

/// Colour is for terminals, and for people who did not ask for none (NO_COLOR).
[[nodiscard]] bool is_terminal(int file);
[[nodiscard]] bool wants_colour(int file);
[[nodiscard]] std::string painted(std::string_view text, Colour colour, bool is_coloured);

/// Write to stdout, whole. @throws std::system_error  it is full or gone
void print(std::string_view text);
/// One line on stderr, with our name before it.
void complain(std::string_view text);

}  // namespace fip::cli
