#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace fip::proxmox {

struct CommandResult {
    int exit_code = -1;    ///< 128 + signal when a signal ended it.
    bool is_late = false;  ///< It was killed at its limit.
    std::string out;       ///< stdout and stderr as they came, at most 64 KiB.
};

/// Runs one of Proxmox' own programs (`qm`, `pct`), found in PATH, to its end. It outlives us when we are killed: what
/// it has begun with a config it should finish.
/// @throws std::system_error  it cannot be started
[[nodiscard]] CommandResult run_command(const std::vector<std::string>& arguments, std::chrono::milliseconds limit);

/// The same in the background.
class RunningCommand {
public:
    RunningCommand(const std::vector<std::string>& arguments, std::chrono::milliseconds limit);
    ~RunningCommand();
    RunningCommand(const RunningCommand&) = delete;
    RunningCommand& operator=(const RunningCommand&) = delete;

    /// Takes what it prints. True: it has ended.
    [[nodiscard]] bool wait(std::chrono::milliseconds time);
    [[nodiscard]] const CommandResult& result() const { return result_; }  ///< After it has ended.

private:
    void take_output();
    void reap();

    std::chrono::steady_clock::time_point end_;
    int output_ = -1;
    int process_ = -1;  ///< pidfd
    int pid_ = -1;
    CommandResult result_;
};

}  // namespace fip::proxmox
