#include "starts.hpp"

#include <algorithm>

namespace fip::plugin {
namespace {

constexpr std::chrono::seconds matters_for{60};  // no firmware takes longer
constexpr std::size_t many = 4096;

}  // namespace

void Starts::started(const std::string& uuid, Kind kind, TimePoint at) {
    forget_old(at);
    starts_[uuid] = {kind, at, true};
}

void Starts::resumed(const std::string& uuid, TimePoint at) {
    const auto found = starts_.find(uuid);
    if (found == starts_.end() || found->second.has_begun) return;
    found->second.since = at;
    found->second.has_begun = true;
}

void Starts::reset(const std::string& uuid, TimePoint at) {
    forget_old(at);
    starts_[uuid] = {Kind::booted, at, true};
}

void Starts::sharpen(const std::string& uuid, Run& run, TimePoint now) {
    if (run.is_paused) starts_.try_emplace(uuid, Start{Kind::booted, now, false}).first->second.has_begun = false;
    const auto found = starts_.find(uuid);
    if (found == starts_.end()) return;
    const auto& start = found->second;
    run.is_resumed = run.is_resumed || start.kind == Kind::continued;
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - start.since);
    if (start.has_begun) run.age = std::min(run.age, std::max(since, std::chrono::milliseconds{0}));
}

void Starts::forget_old(TimePoint now) {
    if (starts_.size() >= many) {
        std::erase_if(starts_, [&](const auto& each) { return now - each.second.since > matters_for; });
    }
    std::erase_if(starts_, [&](const auto& each) {
        return each.second.has_begun && each.second.kind == Kind::booted && now - each.second.since > matters_for;
    });
}

}  // namespace fip::plugin
