#include "runtime/no_core_dumps.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace fip::runtime {

void forbid_core_dumps() noexcept {
    // The limit alone does not stop a core_pattern that pipes to a program; not being dumpable stops both.
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace fip::runtime
