#include "queue_start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;

/// What the caller is busy with (PVE_MIGRATED_FROM, PVE_DAEMON_...) is not what the next start is about.
std::vector<char*> environment_of_next() {
    std::vector<char*> next;
    for (char** each = environ; *each != nullptr; ++each) {
        if (!std::string_view{*each}.starts_with("PVE_")) next.push_back(*each);
    }
    next.push_back(nullptr);
    return next;
}

// In the grandchild: system calls only.
[[noreturn]] void wait_and_become(char* const* arguments, char* const* environment, timespec pause) {
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int file = 0; file <= 2; ++file) {
        if (::dup2(nothing, file) < 0) ::_exit(127);
    }
    ::close_range(3, ~0U, 0);
    if (::chdir("/") != 0) ::_exit(127);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    while (::nanosleep(&pause, &pause) != 0 && errno == EINTR) {
    }
    ::execve(arguments[0], arguments, environment);
    ::_exit(127);
}

}  // namespace

bool start_later(const fs::path& program, int vmid, std::chrono::milliseconds pause) {
    std::vector<std::string> texts{program.string(), "start", std::to_string(vmid)};
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (auto& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    const auto environment = environment_of_next();
    const timespec time{pause.count() / 1000, pause.count() % 1000 * 1'000'000};

    const auto child = ::fork();
    if (child < 0) return false;
    if (child == 0) {
        if (::setsid() < 0) ::_exit(1);
        const auto grandchild = ::fork();
        if (grandchild == 0) wait_and_become(arguments.data(), environment.data(), time);
        ::_exit(grandchild < 0 ? 1 : 0);
    }
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace fip::proxmox
