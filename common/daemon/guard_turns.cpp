#include "daemon/guard_turns.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace fip::daemon {
namespace {

// The last ones, in no order; 0 is no generation that anybody asks about.
using Generations = std::array<std::uint32_t, 64>;

class File {
public:
    File(const std::filesystem::path& path, int flags) noexcept
        : file_{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)} {}
    ~File() {
        if (file_ >= 0) ::close(file_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    /// A file that is short, or not there, says less.
    [[nodiscard]] Generations read() const noexcept {
        Generations generations{};
        if (file_ >= 0) (void)!::pread(file_, generations.data(), sizeof generations, 0);
        return generations;
    }
    /// What cannot be noted is taken for somebody else's: one line of the log too many.
    void write(const Generations& generations) const noexcept {
        if (file_ >= 0) (void)!::pwrite(file_, generations.data(), sizeof generations, 0);
    }

private:
    int file_;
};

}  // namespace

class GuardTurns::Turn final : public HeldLock {
public:
    Turn(const GuardTurns& turns, std::unique_ptr<HeldLock> lock)
        : turns_{turns}, lock_{std::move(lock)}, before_{guard::ruleset_generation()} {}
    ~Turn() override {
        const auto after = guard::ruleset_generation();
        if (!before_ || !after || *after <= *before_) return;
        const File file{turns_.file_, O_RDWR | O_CREAT};
        auto noted = file.read();
        // The kernel counts anew after a boot.
        std::ranges::replace_if(
            noted, [&](std::uint32_t each) { return each > *before_; }, 0U);
        const auto oldest = *after - std::min<std::uint32_t>(*after - *before_, noted.size());
        for (auto each = oldest + 1; each <= *after; ++each) {
            if (turns_.own_->made(each)) noted[each % noted.size()] = each;
        }
        file.write(noted);
    }

private:
    const GuardTurns& turns_;
    std::unique_ptr<HeldLock> lock_;  // released last
    std::optional<std::uint32_t> before_;
};

std::unique_ptr<HeldLock> GuardTurns::hold_guard() {
    return std::make_unique<Turn>(*this, lock_.hold_guard());
}

bool GuardTurns::made(std::uint32_t generation) const noexcept {
    const auto noted = File{file_, O_RDONLY}.read();
    return std::ranges::find(noted, generation) != noted.end();
}

}  // namespace fip::daemon
