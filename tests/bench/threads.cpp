#include "threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;

std::int64_t field(const fs::path& status, const std::string& name) {
    std::ifstream file{status};
    for (std::string word; file >> word;) {
        std::int64_t value = 0;
        if (word == name + ":" && file >> value) return value;
    }
    throw std::runtime_error{status.native() + " has no " + name};
}

fs::path proc(pid_t process) {
    return "/proc/" + std::to_string(process);
}

constexpr double kb_per_mb = 1024;

}  // namespace

double anonymous_memory_mb(pid_t process) {
    return static_cast<double>(field(proc(process) / "status", "RssAnon")) / kb_per_mb;
}

std::chrono::nanoseconds cpu_time(pid_t process) {
    std::int64_t total = 0;
    for (const auto& thread : fs::directory_iterator{proc(process) / "task"}) {
        std::int64_t time = 0;
        std::ifstream{thread.path() / "schedstat"} >> time;
        total += time;
    }
    return std::chrono::nanoseconds{total};
}

std::map<pid_t, std::int64_t> wake_ups(pid_t process) {
    std::map<pid_t, std::int64_t> result;
    for (const auto& thread : fs::directory_iterator{proc(process) / "task"}) {
        const auto id = static_cast<pid_t>(std::stol(thread.path().filename()));
        result[id] = field(thread.path() / "status", "voluntary_ctxt_switches");
    }
    return result;
}

void WakeUps::watch(std::chrono::seconds time) {
    const auto end = seconds_ + static_cast<int>(time.count());
    auto before = wake_ups(process_);
    auto tick = std::chrono::steady_clock::now();
    for (; seconds_ < end; ++seconds_) {
        tick += std::chrono::seconds{1};
        std::this_thread::sleep_until(tick);
        auto after = wake_ups(process_);
        for (const auto& [thread, count] : after) {
            const auto found = before.find(thread);
            const auto woken = count - (found == before.end() ? 0 : found->second);
            if (woken > 0) add(thread, woken);
        }
        before = std::move(after);
    }
}

void WakeUps::add(pid_t thread, std::int64_t count) {
    auto& pieces = threads_[thread];
    if (pieces.empty() || seconds_ - pieces.back().end > 2) pieces.push_back({seconds_, seconds_, 0});
    pieces.back().end = seconds_;
    pieces.back().wake_ups += count;
}

std::int64_t WakeUps::total() const {
    std::int64_t sum = 0;
    for (const auto& [thread, pieces] : threads_) {
        for (const auto& piece : pieces) sum += piece.wake_ups;
    }
    return sum;
}

std::int64_t WakeUps::early(std::chrono::seconds interval) const {
    // The clocks of daemon and observer are not in step.
    const auto shortest = static_cast<int>(interval.count()) - 2;
    std::int64_t sum = 0;
    for (const auto& [thread, found] : threads_) {
        auto pieces = found;
        std::ranges::stable_sort(pieces, std::greater{}, &Piece::wake_ups);
        std::vector<int> explained;
        for (const auto& piece : pieces) {
            const bool is_early =
                std::ranges::any_of(explained, [&](int begin) { return std::abs(piece.begin - begin) < shortest; });
            if (is_early) {
                sum += piece.wake_ups;
            } else {
                explained.push_back(piece.begin);
            }
        }
    }
    return sum;
}

std::string WakeUps::text() const {
    std::string text;
    for (const auto& [thread, pieces] : threads_) {
        text += fmt::format("{}thread {}:", text.empty() ? "" : "; ", thread);
        for (const auto& piece : pieces) text += fmt::format(" {} at {} s", piece.wake_ups, piece.begin);
    }
    return text;
}

}  // namespace fip::bench
