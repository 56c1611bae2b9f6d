#pragma once

#include <map>
#include <string>

namespace fip::test {

/// The libraries that stand between one of our programs and the world; each one's file says what it listens to.
enum class Preload { kill_at, clock_shift };

/// `environment` with LD_PRELOAD added: in a sanitized build the sanitizer's runtime has to come first.
[[nodiscard]] std::map<std::string, std::string> preload(Preload library,
                                                         std::map<std::string, std::string> environment);
}  // namespace fip::test
