#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// What to execute. No shell is involved.
struct Command {
    std::vector<std::string> argv;                     ///< argv[0] is looked up in PATH.
    std::string input{};                               ///< What it reads on stdin.
    std::map<std::string, std::string> environment{};  ///< Added to ours.
    bool clean_environment = false;                    ///< Only `environment`, nothing of ours.
    std::string folder{};                              ///< Where it runs; empty: here.
    pid_t inside = 0;                                  ///< Runs in this process's mount, net, UTS and PID namespaces.
};

struct Result {
    int exit_code = -1;  ///< 128 + signal when a signal ended it, as shells say it.
    std::string out;
    std::string err;
};

/// A program that runs beside the test.
///
/// It leads a process group. When its end is noticed, whatever is left of the group is killed; the program itself is
/// killed with the object, and when the thread that made the object ends. One thread per object.
///
/// @throws std::system_error  it could not be started at all
class Process {
public:
    explicit Process(const Command& command);
    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running();
    [[nodiscard]] std::string out() const;  ///< What it has printed so far.
    [[nodiscard]] std::string err() const;

    void signal(int number);  ///< To the program alone; of an ended one: no effect.

    /// Empty: it still runs after `limit`.
    [[nodiscard]] std::optional<Result> wait(std::chrono::milliseconds limit);

    /// Ask it to end, wait, insist after `limit`.
    Result stop(std::chrono::milliseconds limit = std::chrono::seconds{10});

    void kill();  ///< SIGKILL to the whole group, and waited for.

private:
    void close_all() noexcept;

    pid_t pid_ = -1;
    int pidfd_ = -1;
    int out_ = -1;
    int err_ = -1;
    std::optional<int> exit_code_;
};

/// Run to the end.
/// @throws std::runtime_error  it still ran after `limit`; it is killed, and what() quotes what it printed
Result run(const Command& command, std::chrono::milliseconds limit = std::chrono::seconds{60});
}  // namespace fip::test
