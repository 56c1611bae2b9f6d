#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fip::hooks {

/// Run a program with nothing on its stdin, stdout and stderr; it is killed after `limit`, and when we end.
/// True: it exited with 0.
[[nodiscard]] bool run_silently(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                                std::chrono::milliseconds limit);

/// A helper program: beside our own executable, else in the folder of the installed ones.
[[nodiscard]] std::filesystem::path find_helper(const std::string& name);

}  // namespace fip::hooks
