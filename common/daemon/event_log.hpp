#pragma once

#include "app/context.hpp"

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

namespace fip::daemon {

/// Happenings as lines of the log. The same warning again within an hour is not said again: everything is compared
/// every minute, and what a person must mend stays wrong until then. One thread per object.
class EventLog {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    void write(const std::vector<Happening>& happenings);
    void warn(const std::string& id, const std::string& text);

private:
    [[nodiscard]] bool was_said(const std::string& line);

    std::unordered_map<std::string, TimePoint> said_;
};

/// "web1 (203.0.113.5): text", with what is there.
[[nodiscard]] std::string line_of(const Happening& happening);

}  // namespace fip::daemon
