#include "programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace fip::cli {
namespace {

namespace fs = std::filesystem;

fs::path find_program(const std::string& name) {
    std::vector<fs::path> places;
    std::error_code unreadable;  // no /proc: only the installed ones
    const auto self = fs::read_symlink("/proc/self/exe", unreadable);
    if (!unreadable) places.push_back(self.parent_path());
    places.emplace_back(FIP_LIBEXEC);
    places.emplace_back(FIP_SBIN);
    for (const auto& place : places) {
        if (::access((place / name).c_str(), X_OK) == 0) return place / name;
    }
    throw std::runtime_error{"the program " + name + " is not installed"};
}

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
    }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int reading() const { return ends_[0]; }
    [[nodiscard]] int writing() const { return ends_[1]; }
    void close_end(std::size_t end) noexcept {
        if (ends_.at(end) >= 0) ::close(std::exchange(ends_.at(end), -1));
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

// In the child: system calls only.
[[noreturn]] void become(char* const* arguments, pid_t parent, int out, int err) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);  // it ended before we asked to end with it
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (::dup2(nothing, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(127);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

// True: there may be more.
bool take(int file, std::string& text) {
    std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    const auto n = ::read(file, piece.data(), piece.size());
    if (n < 0) return errno == EINTR;
    text.append(piece.data(), static_cast<std::size_t>(n));
    return n > 0;
}

void take_both(int out, int err, Ran& ran) {
    std::array<pollfd, 2> files{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
    while (files[0].fd >= 0 || files[1].fd >= 0) {
        if (::poll(files.data(), files.size(), -1) < 0) {
            if (errno == EINTR) continue;
            throw std::system_error{errno, std::generic_category(), "poll"};
        }
        if (files[0].revents != 0 && !take(out, ran.out)) files[0].fd = -1;
        if (files[1].revents != 0 && !take(err, ran.err)) files[1].fd = -1;
    }
}

}  // namespace

Ran run_program(const std::string& name, const std::vector<std::string>& arguments, Streams streams) {
    std::vector<std::string> texts{find_program(name).string()};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);

    Pipe out;
    Pipe err;
    const auto self = ::getpid();
    const auto child = ::fork();
    if (child < 0) throw std::system_error{errno, std::generic_category(), "cannot start " + name};
    if (child == 0) {
        become(pointers.data(), self, streams == Streams::ours ? STDOUT_FILENO : out.writing(),
               streams == Streams::captured ? err.writing() : STDERR_FILENO);
    }
    out.close_end(1);
    err.close_end(1);
    Ran ran;
    take_both(out.reading(), err.reading(), ran);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) throw std::system_error{errno, std::generic_category(), "waiting for " + name};
    }
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ran;
}

}  // namespace fip::cli
