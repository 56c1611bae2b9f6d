#pragma once

#include "core/guest.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace fip::plugin {

/// When guests began to run, as their events told: sharper than the age of their processes. Forgets what no longer
/// matters.
class Starts {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    enum class Kind { booted, continued };  ///< Continued: from a saved image, a snapshot or another host.

    void started(const std::string& uuid, Kind kind, TimePoint at);
    void resumed(const std::string& uuid, TimePoint at);  ///< Counts if it had not executed anything before.
    void reset(const std::string& uuid, TimePoint at);    ///< It is in its firmware from anew.
    void stopped(const std::string& uuid) { starts_.erase(uuid); }
    /// Nobody listens any more: whoever lets a guest begin then is not heard.
    void forget_unbegun() {
        std::erase_if(starts_, [](const auto& each) { return !each.second.has_begun; });
    }

    /// What the process tells, corrected by what was heard.
    void sharpen(const std::string& uuid, Run& run, TimePoint now);

private:
    struct Start {
        Kind kind = Kind::booted;
        TimePoint since{};
        bool has_begun = true;
    };
    void forget_old(TimePoint now);

    std::map<std::string, Start> starts_;
};

}  // namespace fip::plugin
