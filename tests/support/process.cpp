#include "support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

extern char** environ;  // NOLINT(readability-redundant-declaration): glibc declares it only for _GNU_SOURCE

namespace fip::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

int checked(int result, const char* what) {
    if (result < 0) fail(what);
    return result;
}

void write_all(int file, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const auto n = ::write(file, text.data() + done, text.size() - done);
        if (n < 0) fail("write");
        done += static_cast<std::size_t>(n);
    }
}

std::string read_all(int file) {
    std::string text;
    std::array<char, 65536> part;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by pread
    for (;;) {
        const auto n = ::pread(file, part.data(), part.size(), static_cast<off_t>(text.size()));
        if (n < 0) fail("pread");
        if (n == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

// glibc 2.36 declares pidfd_open without extern "C".
int open_pidfd(pid_t pid) {
    return checked(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "pidfd_open");
}

// A file in memory: a program that prints much never waits for us, and there is nothing to drain and no thread.
int memory_file(const char* name) {
    const int file = checked(::memfd_create(name, MFD_CLOEXEC), "memfd_create");
    // For such a file the kernel does not keep two threads from writing at the same place.
    checked(::fcntl(file, F_SETFL, O_APPEND), "fcntl");
    return file;
}

std::vector<std::string> environment_of(const Command& command) {
    std::map<std::string, std::string> all;
    if (!command.clean_environment) {
        for (char** entry = environ; *entry != nullptr; ++entry) {
            const std::string text = *entry;
            const auto equals = text.find('=');
            if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
        }
    }
    for (const auto& [name, value] : command.environment) all[name] = value;
    std::vector<std::string> lines;
    for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
    return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// All that the child needs, made before the fork: after it only system calls are safe.
struct Launch {
    std::vector<std::string> argv_texts;
    std::vector<std::string> environment_texts;
    std::vector<char*> argv = pointers(argv_texts);
    std::vector<char*> environment = pointers(environment_texts);
    const char* folder = nullptr;
    int in = -1, out = -1, err = -1;
    int target = -1;                    // pidfd of the process whose namespaces to enter
    std::array<int, 2> report{-1, -1};  // carries pids and negative errnos; closed by a good exec
};

[[noreturn]] void give_up(const Launch& launch) {
    const int error = -errno;
    // Nobody is left to tell when the pipe is broken.
    [[maybe_unused]] const auto n = ::write(launch.report[1], &error, sizeof error);
    ::_exit(127);
}

[[noreturn]] void become(const Launch& launch) {
    ::setpgid(0, 0);
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(launch);
    if (launch.folder != nullptr && ::chdir(launch.folder) != 0) give_up(launch);
    if (::dup2(launch.in, 0) < 0 || ::dup2(launch.out, 1) < 0 || ::dup2(launch.err, 2) < 0) give_up(launch);
    ::execvpe(launch.argv[0], launch.argv.data(), launch.environment.data());
    give_up(launch);
}

// A PID namespace is entered by children only. CLONE_PARENT makes the grandchild a child of ours, so that its pid,
// its signals and its exit status are seen without anybody in between.
[[noreturn]] void become_inside(const Launch& launch) {
    if (::setns(launch.target, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWPID) != 0) give_up(launch);
    const auto child = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (child < 0) give_up(launch);
    if (child == 0) become(launch);
    const auto pid = static_cast<pid_t>(child);
    if (::write(launch.report[1], &pid, sizeof pid) != sizeof pid) ::_exit(127);
    ::_exit(0);
}

// Entering namespaces takes a process in between; its last word is the pid of the one that counts.
pid_t launch_program(Launch& launch) {
    checked(::pipe2(launch.report.data(), O_CLOEXEC), "pipe2");
    const auto forked = ::fork();
    if (forked == 0) {
        if (launch.target >= 0) become_inside(launch);
        become(launch);
    }
    const int fork_error = errno;
    ::close(launch.report[1]);
    auto pid = forked;
    int error = forked < 0 ? fork_error : 0;
    int word = 0;
    while (::read(launch.report[0], &word, sizeof word) == sizeof word) {
        if (word < 0) {
            error = -word;
        } else {
            pid = word;
        }
    }
    ::close(launch.report[0]);
    if (forked > 0 && (launch.target >= 0 || error != 0)) ::waitpid(forked, nullptr, 0);
    if (error != 0) {
        if (pid != forked) ::waitpid(pid, nullptr, 0);
        throw std::system_error{error, std::generic_category(), "cannot start " + launch.argv_texts.at(0)};
    }
    return pid;
}

}  // namespace

Process::Process(const Command& command) {
    Launch launch{command.argv, environment_of(command)};
    if (!command.folder.empty()) launch.folder = command.folder.c_str();
    try {
        launch.in = memory_file("stdin");
        write_all(launch.in, command.input);
        checked(static_cast<int>(::lseek(launch.in, 0, SEEK_SET)), "lseek");
        launch.out = out_ = memory_file("stdout");
        launch.err = err_ = memory_file("stderr");
        if (command.inside > 0) launch.target = open_pidfd(command.inside);
        pid_ = launch_program(launch);
        pidfd_ = open_pidfd(pid_);
    } catch (...) {
        if (pid_ > 0) kill();
        close_all();
        ::close(launch.in);
        ::close(launch.target);
        throw;
    }
    ::close(launch.in);
    ::close(launch.target);
}

Process::~Process() {
    if (pid_ > 0) kill();
    close_all();
}

Process::Process(Process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      pidfd_{std::exchange(other.pidfd_, -1)},
      out_{std::exchange(other.out_, -1)},
      err_{std::exchange(other.err_, -1)},
      exit_code_{std::exchange(other.exit_code_, std::nullopt)} {}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        if (pid_ > 0) kill();
        close_all();
        pid_ = std::exchange(other.pid_, -1);
        pidfd_ = std::exchange(other.pidfd_, -1);
        out_ = std::exchange(other.out_, -1);
        err_ = std::exchange(other.err_, -1);
        exit_code_ = std::exchange(other.exit_code_, std::nullopt);
    }
    return *this;
}

void Process::close_all() noexcept {
    for (int* file : {&pidfd_, &out_, &err_}) {
        if (*file >= 0) ::close(std::exchange(*file, -1));
    }
}

bool Process::is_running() {
    return !wait(std::chrono::milliseconds{0});
}
std::string Process::out() const {
    return read_all(out_);
}
std::string Process::err() const {
    return read_all(err_);
}

void Process::signal(int number) {
    // Not yet waited for, so the pid cannot be somebody else's.
    if (!exit_code_) ::kill(pid_, number);
}

std::optional<Result> Process::wait(std::chrono::milliseconds limit) {
    if (!exit_code_) {
        const auto end = std::chrono::steady_clock::now() + limit;
        auto left = limit;
        pollfd ended{pidfd_, POLLIN, 0};
        while (::poll(&ended, 1, static_cast<int>(left.count())) < 0 && errno == EINTR) {
            left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            if (left.count() < 0) left = {};
        }
        if ((ended.revents & POLLIN) == 0) return std::nullopt;
        kill();  // of the group only children are left: it is dead, but its pid is still its own
    }
    return Result{*exit_code_, out(), err()};
}

Result Process::stop(std::chrono::milliseconds limit) {
    signal(SIGTERM);
    if (auto result = wait(limit)) return *std::move(result);
    kill();
    return *wait(std::chrono::milliseconds{0});
}

void Process::kill() {
    if (exit_code_) return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // it may not have come to lead its group yet; of a dead one: no effect
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) return;  // somebody else waited for all children
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result run(const Command& command, std::chrono::milliseconds limit) {
    Process process{command};
    if (auto result = process.wait(limit)) return *std::move(result);
    process.kill();
    throw std::runtime_error{command.argv.at(0) + " still ran after " + std::to_string(limit.count()) +
                             " ms; it printed: " + process.out() + process.err()};
}

}  // namespace fip::test
