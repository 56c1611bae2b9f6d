#pragma once

#include "app/look.hpp"

#include <string>
#include <vector>

namespace fip::daemon {

struct ProviderReport {
    std::string provider;
    std::string problem;  ///< Empty: none.
};

/// What one comparison found and did, or would do.
struct Report {
    LookedAtAll all;
    std::vector<Happening> steps;
    std::vector<ProviderReport> providers;
};

[[nodiscard]] std::string report_json(const Report& report);
[[nodiscard]] std::string report_text(const Report& report, Effects effects);

}  // namespace fip::daemon
