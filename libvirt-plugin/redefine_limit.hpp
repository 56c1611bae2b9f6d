#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace fip::plugin {

/// Two programs that both want the last word on a definition would redefine it for ever: we stop after a few times.
class RedefineLimit {
public:
    static constexpr std::size_t most = 10;  ///< Per guest, within `window`.
    static constexpr std::chrono::minutes window{1};

    /// Whether one more is allowed; then it counts.
    [[nodiscard]] bool allows(const std::string& uuid, std::chrono::steady_clock::time_point now);

private:
    std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> times_;
};

}  // namespace fip::plugin
