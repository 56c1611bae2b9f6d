#include "redefine_limit.hpp"

namespace fip::plugin {

bool RedefineLimit::allows(const std::string& uuid, std::chrono::steady_clock::time_point now) {
    for (auto guest = times_.begin(); guest != times_.end();) {
        auto& times = guest->second;
        while (!times.empty() && now - times.front() >= window) times.pop_front();
        guest = times.empty() ? times_.erase(guest) : std::next(guest);
    }
    auto& times = times_[uuid];
    if (times.size() >= most) return false;
    times.push_back(now);
    return true;
}

}  // namespace fip::plugin
