#include "measure.hpp"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <system_error>

namespace fip::bench {
namespace {

constexpr int warm_up_rounds = 5;

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), what};
    return result;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    // posix_spawn takes what it does not change as char*.
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

std::string read_all(int file) {
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto n = ::pread(file, part.data(), part.size(), static_cast<off_t>(text.size()));
        if (n <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

void make_empty(int file) {
    checked(::ftruncate(file, 0), "ftruncate");
    checked(static_cast<int>(::lseek(file, 0, SEEK_SET)), "lseek");
}

class SpawnFiles {
public:
    SpawnFiles(int in, int out, int err) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, in, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, out, 1);
        ::posix_spawn_file_actions_adddup2(&actions_, err, 2);
        ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    }
    ~SpawnFiles() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnFiles(const SpawnFiles&) = delete;
    SpawnFiles& operator=(const SpawnFiles&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

double in_ms(Duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return values.at(values.size() / 2);
}

Program::Program(std::vector<std::string> arguments, std::vector<std::string> environment, std::string input)
    : arguments_{std::move(arguments)},
      environment_{std::move(environment)},
      input_{std::move(input)},
      out_{checked(::memfd_create("stdout", MFD_CLOEXEC), "memfd_create")},
      err_{checked(::memfd_create("stderr", MFD_CLOEXEC), "memfd_create")} {
    constexpr std::size_t pipe_holds = 65536;
    if (input_.size() > pipe_holds) throw std::invalid_argument{"the input does not fit into a pipe"};
}

Program::~Program() {
    ::close(out_);
    ::close(err_);
}

Program::Run Program::run() const {
    make_empty(out_);
    make_empty(err_);
    std::array<int, 2> pipe{};
    checked(::pipe2(pipe.data(), O_CLOEXEC), "pipe2");
    const SpawnFiles files{pipe[0], out_, err_};
    const auto arguments = pointers(arguments_);
    const auto environment = pointers(environment_);

    pid_t child = -1;
    const auto begin = std::chrono::steady_clock::now();
    const int error =
        ::posix_spawn(&child, arguments[0], files.actions(), nullptr, arguments.data(), environment.data());
    // Our reading end stays open until all is written: a program that never reads is no broken pipe.
    const auto written = input_.empty() ? 0 : ::write(pipe[1], input_.data(), input_.size());
    ::close(pipe[1]);
    ::close(pipe[0]);
    if (error != 0) throw std::system_error{error, std::generic_category(), arguments_.at(0)};
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) checked(-1, "waitpid");
    }
    const auto end = std::chrono::steady_clock::now();
    if (written != static_cast<ssize_t>(input_.size())) throw std::runtime_error{"the pipe did not take the input"};
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error{arguments_.at(0) + " ended with status " + std::to_string(status) + ": " +
                                 read_all(err_) + read_all(out_)};
    }
    return {end - begin, read_all(out_)};
}

Undisturbed::Undisturbed() {
    const sched_param lowest{1};
    [[maybe_unused]] const int result = ::sched_setscheduler(0, SCHED_FIFO, &lowest);
}

Undisturbed::~Undisturbed() {
    const sched_param none{0};
    [[maybe_unused]] const int result = ::sched_setscheduler(0, SCHED_OTHER, &none);
}

void alternate(const std::vector<Candidate*>& candidates, int rounds) {
    for (int round = -warm_up_rounds; round < rounds; ++round) {
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const auto shift = static_cast<std::size_t>(round + warm_up_rounds);
            auto& candidate = *candidates.at((i + shift) % candidates.size());
            const auto time = candidate.run();
            if (round >= 0) candidate.samples.push_back(in_ms(time));
        }
    }
}

}  // namespace fip::bench
