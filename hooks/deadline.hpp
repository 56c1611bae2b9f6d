#pragma once

#include <chrono>
#include <string_view>

namespace fip::hooks {

/// The end of this process, whatever it is doing then: a start is never held longer. One per process.
///
/// Until refuse_at_end() the process ends with 0, for nothing is known against the start; after it with 1 and one line.
class Deadline {
public:
    /// Counts from now.
    explicit Deadline(std::chrono::milliseconds whole);
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    /// Another length, counted from the construction.
    void set(std::chrono::milliseconds whole);
    /// `line` is what is then said, at most 500 bytes of it.
    void refuse_at_end(std::string_view line) noexcept;
    [[nodiscard]] std::chrono::milliseconds left() const;

private:
    std::chrono::steady_clock::time_point begin_;
    std::chrono::milliseconds whole_;
};

}  // namespace fip::hooks
