#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace fip::bench {

using Duration = std::chrono::nanoseconds;

[[nodiscard]] double in_ms(Duration time);

/// @param values  at least one
[[nodiscard]] double median(std::vector<double> values);

/// A program to start again and again, as libvirt and CNI start theirs: its input comes through a pipe, its
/// environment is what is given here and nothing else, it runs in "/". Everything is made ready before the clock runs.
class Program {
public:
    struct Run {
        Duration time{};  ///< From posix_spawn to the end of the process.
        std::string out;
    };

    Program(std::vector<std::string> arguments, std::vector<std::string> environment, std::string input);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// @throws std::runtime_error  it ended with another code than 0; quotes its stderr
    Run run() const;

private:
    std::vector<std::string> arguments_;
    std::vector<std::string> environment_;
    std::string input_;
    int out_ = -1;
    int err_ = -1;
};

/// Something to time, beside others.
struct Candidate {
    std::function<Duration()> run;
    std::vector<double> samples{};  ///< Milliseconds.

    [[nodiscard]] double median_ms() const { return median(samples); }
};

/// While it lives this process and those that it starts go before everything else on the machine: what a start costs is
/// seen also while others are at work. Of both sides of a comparison, and only for short work: one core is ours alone.
class Undisturbed {
public:
    Undisturbed();  ///< Where that is not allowed, nothing changes.
    ~Undisturbed();
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;
};

/// Each candidate once per round, beginning with another one each time, so that whatever else the machine does meets
/// all of them alike. The first rounds warm caches and are not counted.
void alternate(const std::vector<Candidate*>& candidates, int rounds);

}  // namespace fip::bench
