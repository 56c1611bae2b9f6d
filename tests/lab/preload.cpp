#include "lab/preload.hpp"

namespace fip::test {

std::map<std::string, std::string> preload(Preload library, std::map<std::string, std::string> environment) {
    const std::string file = library == Preload::kill_at ? FIP_KILL_AT_LIBRARY : FIP_CLOCK_SHIFT_LIBRARY;
    const std::string runtime = FIP_SANITIZER_RUNTIME;
    environment["LD_PRELOAD"] = runtime.empty() ? file : runtime + ":" + file;
    return environment;
}
}  // namespace fip::test
