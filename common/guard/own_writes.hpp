#pragma once

#include "guard/generation.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace fip::guard {

/// Which changes of the rules are ours. The kernel numbers them: a write of ours between two numbers that are one apart
/// is the later one. (It also names the process, but by its number outside of all PID namespaces, which a process in
/// one does not know.) Threads may share it.
class OwnWrites {
public:
    /// `write` returns an NftReply, and what it has done is a change in any case: where it failed or found nothing to
    /// change, the one change between the numbers is somebody else's. Nobody can ask about a write before it is known.
    template <typename Write>
    auto during(const Write& write) {
        const std::lock_guard lock{mutex_};
        const auto before = ruleset_generation();
        auto result = write();
        const auto after = ruleset_generation();
        if (result.is_done && before && after && *after == *before + 1) {
            generations_[next_] = after;
            next_ = (next_ + 1) % generations_.size();
        }
        return result;
    }

    [[nodiscard]] bool made(std::uint32_t generation) const {
        const std::lock_guard lock{mutex_};
        for (const auto& known : generations_) {
            if (known == generation) return true;
        }
        return false;
    }

private:
    mutable std::mutex mutex_;
    std::array<std::optional<std::uint32_t>, 64> generations_{};
    std::size_t next_ = 0;
};

}  // namespace fip::guard
