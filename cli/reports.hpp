#pragma once

#include "programs.hpp"

#include <string>
#include <vector>

namespace fip::cli {

// What the programs of several hypervisors said after one comparison each, as if one program had said it. One alone is
// handed on as it is.

/// 0 where all are; else the worst: what a person must mend goes before "try again".
[[nodiscard]] int joined_exit_code(const std::vector<Ran>& reports);
/// "nothing to do" only where nobody had anything to do.
[[nodiscard]] std::string joined_text(const std::vector<Ran>& reports);
/// Lists are put one behind the other; a provider is said once, with the first problem. An answer that is no JSON
/// object is left out: its program has said why on stderr, and its exit code counts.
[[nodiscard]] std::string joined_json(const std::vector<Ran>& reports);

}  // namespace fip::cli
