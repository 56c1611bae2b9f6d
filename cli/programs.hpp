#pragma once

#include <string>
#include <vector>

namespace fip::cli {

struct Ran {
    int exit_code = -1;  ///< 128 + signal when a signal ended it.
    std::string out;
    std::string err;
};

enum class Streams {
    captured,  ///< stdout and stderr come back in Ran.
    ours,      ///< They go where ours go.
    err_ours,  ///< stdout comes back, stderr goes where ours goes.
};

/// Run another of our programs to its end; it ends with us. No shell is involved, stdin is empty.
/// It is looked for beside our own executable, then where programs and helpers are installed.
/// @throws std::runtime_error  there is none, or it cannot be started
[[nodiscard]] Ran run_program(const std::string& name, const std::vector<std::string>& arguments, Streams streams);

}  // namespace fip::cli
