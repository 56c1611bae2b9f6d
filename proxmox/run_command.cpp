#include "run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace fip::proxmox {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t most_output = std::size_t{64} << 10;
constexpr std::chrono::milliseconds between_calls{100};

struct Pipe {
    std::array<int, 2> ends{-1, -1};
    Pipe() {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
        (void)::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // of our end alone: it must be able to wait for us
    }
};

/// Proxmox' programs decode their arguments by the locale: elsewhere than in UTF-8 each byte of an umlaut in a guest's
/// Notes would become a replacement character.
std::vector<std::string> environment_in_utf8() {
    std::vector<std::string> all{"LC_ALL=C.UTF-8"};
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view one{*each};
        const bool is_theirs = one.starts_with("LC_") || one.starts_with("LANG") || one.starts_with("PERL");
        if (!is_theirs) all.emplace_back(one);
    }
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

struct Actions {
    posix_spawn_file_actions_t all{};
    Actions() { ::posix_spawn_file_actions_init(&all); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&all); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
};

struct Attributes {
    posix_spawnattr_t all{};
    Attributes() {
        ::posix_spawnattr_init(&all);
        // Our threads block the signals that the main thread waits for; a mask is inherited.
        sigset_t none;
        sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&all, &none);
        ::posix_spawnattr_setpgroup(&all, 0);
        ::posix_spawnattr_setflags(&all, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&all); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
};

class RunningCommand {
public:
    RunningCommand(const std::vector<std::string>& arguments, std::chrono::milliseconds limit, Keep keep);
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

RunningCommand::RunningCommand(const std::vector<std::string>& arguments, std::chrono::milliseconds limit, Keep keep)
    : end_{Steady::now() + limit} {
    auto words = arguments;
    auto variables = environment_in_utf8();
    const auto argv = pointers_to(words);
    Pipe pipe;
    output_ = pipe.ends[0];
    Actions actions;
    ::posix_spawn_file_actions_addopen(&actions.all, 0, "/dev/null", O_RDONLY, 0);
    if (keep == Keep::errors) {
        ::posix_spawn_file_actions_addopen(&actions.all, 1, "/dev/null", O_WRONLY, 0);
    } else {
        ::posix_spawn_file_actions_adddup2(&actions.all, pipe.ends[1], 1);
    }
    ::posix_spawn_file_actions_adddup2(&actions.all, pipe.ends[1], 2);
    const Attributes attributes;
    const int failed =
        ::posix_spawnp(&pid_, argv.front(), &actions.all, &attributes.all, argv.data(), pointers_to(variables).data());
    ::close(pipe.ends[1]);
    if (failed != 0) {
        ::close(output_);
        throw std::system_error{failed, std::generic_category(), "cannot start " + arguments.front()};
    }
    process_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (process_ < 0) {
        const int error = errno;
        ::close(output_);
        throw std::system_error{error, std::generic_category(), "cannot follow " + arguments.front()};
    }
}

RunningCommand::~RunningCommand() {
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
        reap();
    }
    ::close(process_);
    ::close(output_);
}

bool RunningCommand::wait(std::chrono::milliseconds time) {
    if (pid_ <= 0) return true;
    const auto until = std::min(Steady::now() + time, end_);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
        std::array<pollfd, 2> files{{{process_, POLLIN, 0}, {output_, POLLIN, 0}}};
        (void)::poll(files.data(), files.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
        take_output();
        if ((files[0].revents & POLLIN) != 0) {
            take_output();  // its last words
            reap();
            return true;
        }
        if (Steady::now() >= end_) {
            result_.is_late = true;
            ::kill(-pid_, SIGKILL);
            reap();
            return true;
        }
        if (Steady::now() >= until) return false;
        if ((files[1].revents & POLLHUP) != 0) ::usleep(1000);  // it closed its output, and lives on
    }
}

void RunningCommand::take_output() {
    std::array<char, 4096> piece{};
    for (;;) {
        const auto n = ::read(output_, piece.data(), piece.size());
        if (n <= 0) return;
        const auto room = most_output - std::min(most_output, result_.out.size());
        result_.out.append(piece.data(), std::min(room, static_cast<std::size_t>(n)));
    }
}

void RunningCommand::reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& arguments, std::chrono::milliseconds limit, Keep keep,
                          const std::function<void()>& meanwhile) {
    RunningCommand command{arguments, limit, keep};
    while (!command.wait(between_calls)) meanwhile();
    return command.result();
}

}  // namespace fip::proxmox
