#include "daemon/event_log.hpp"

#include "daemon/shown_id.hpp"
#include "runtime/log.hpp"

namespace fip::daemon {
namespace {

constexpr std::chrono::hours repeat_after{1};
constexpr std::size_t most_remembered = 4096;

runtime::Level level_of(Happening::Level level) {
    switch (level) {
    case Happening::Level::info:
        return runtime::Level::info;
    case Happening::Level::warning:
        return runtime::Level::warning;
    case Happening::Level::error:
        return runtime::Level::error;
    }
    return runtime::Level::error;
}

}  // namespace

std::string line_of(const Happening& happening) {
    std::string line = happening.guest_name;
    if (line.empty() && happening.guest) line = shown_id(*happening.guest);
    if (happening.address) line += (line.empty() ? "" : " ") + ("(" + happening.address->text() + ")");
    return line.empty() ? happening.text : line + ": " + happening.text;
}

bool EventLog::was_said(const std::string& line) {
    const auto now = std::chrono::steady_clock::now();
    if (const auto before = said_.find(line); before != said_.end() && now - before->second < repeat_after) return true;
    if (said_.size() >= most_remembered) said_.clear();
    said_[line] = now;
    return false;
}

void EventLog::write(const std::vector<Happening>& happenings) {
    for (const auto& happening : happenings) {
        const auto line = line_of(happening);
        if (happening.level != Happening::Level::info && was_said(happening.id + line)) continue;
        runtime::log(level_of(happening.level), happening.id, line);
    }
}

void EventLog::warn(const std::string& id, const std::string& text) {
    if (!was_said(id + text)) runtime::log(runtime::Level::warning, id, text);
}

}  // namespace fip::daemon
