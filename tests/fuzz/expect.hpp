#pragma once

#include <cstdio>
#include <cstdlib>

namespace fip::fuzz {

/// libFuzzer keeps the input that led here.
inline void expect(bool is_true, const char* what) {
    if (is_true) return;
    std::fprintf(stderr, "expected: %s\n", what);
    std::abort();
}

}  // namespace fip::fuzz
