#pragma once

#include <string_view>

namespace fip::runtime {

enum class Level { info, warning, error };

/// One event, one line on stderr, in one write: threads and processes do not mix their lines. `id` is stable, for
/// machines; what is hostile in `text` is escaped. Lines begin with the journal's priority unless stderr is a terminal.
/// A line that cannot be written is lost: there is nobody left to tell.
void log(Level level, std::string_view id, std::string_view text) noexcept;

/// log() for each line of `text`.
void log_lines(Level level, std::string_view id, std::string_view text) noexcept;

}  // namespace fip::runtime
