#pragma once

#include <functional>
#include <string_view>

namespace fip::runtime {

enum class Report {
    to_people,   ///< "program: text" on stderr.
    to_journal,  ///< As log() does.
};

/// Where exceptions end: run `body`; what it throws is told once, one line per line of what(), and becomes the exit
/// code. 2: InputError, 3: ProviderUnavailable, 1: anything else.
[[nodiscard]] int run_main(std::string_view program, Report report, const std::function<int()>& body) noexcept;
[[nodiscard]] int run_main(std::string_view program, const std::function<int()>& body) noexcept;

}  // namespace fip::runtime
