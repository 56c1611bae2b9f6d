#include "simulators/pve/hook.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace fip::sim::pve {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

void relay(int out, int err) {
    std::array<pollfd, 2> pipes{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
    std::array<char, 4096> part{};
    for (int open = 2; open > 0;) {
        ::poll(pipes.data(), pipes.size(), -1);
        for (auto& pipe : pipes) {
            if (pipe.fd < 0 || pipe.revents == 0) continue;
            const auto n = ::read(pipe.fd, part.data(), part.size());
            if (n > 0) {
                say({part.data(), static_cast<std::size_t>(n)});
            } else {
                ::close(pipe.fd);
                pipe.fd = -1;
                --open;
            }
        }
    }
}

}  // namespace

// No time limit: it ends when stdout and stderr are both at their end, whoever holds them (facts 1.1).
int run_relayed(const std::vector<std::string>& argv) {
    auto texts = argv;
    const auto words = pointers(texts);
    std::array<int, 2> in{}, out{}, err{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0 ||
        ::pipe2(err.data(), O_CLOEXEC) != 0) {
        throw CommandError{"no pipes\n"};
    }
    const auto child = ::fork();
    if (child == 0) {
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        ::execv(words[0], words.data());
        ::_exit(255);
    }
    for (const int end : {in[0], in[1], out[1], err[1]}) ::close(end);  // stdin: at its end at once
    relay(out[0], err[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

void run_hook(const Guest& guest, const ConfigFile& config, const std::string& phase) {
    const auto volume = config.main.get("hookscript");
    if (volume.empty()) return;
    ::setenv("LC_ALL", "C", 1);
    ::setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
    ::setenv("PATH", "/sbin:/bin:/usr/sbin:/usr/bin", 1);
    std::string why;
    try {
        const auto script = hookscript_path(volume);
        const int status = run_relayed({script, guest.id(), phase});
        const auto command = "command '" + script + " " + guest.id() + " " + phase + "' failed: ";
        if (WIFSIGNALED(status)) why = command + "got signal " + std::to_string(WTERMSIG(status));
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            why = command + "exit code " + std::to_string(WEXITSTATUS(status));
    } catch (const CommandError& error) {
        why = error.what();
    }
    if (why.empty()) return;
    const auto text = "hookscript error for " + guest.id() + " on " + phase + ": " + why + "\n";
    if (phase == "pre-start") throw CommandError{text};
    warn(text);
}

void spawn_detached(const std::vector<std::string>& argv) {
    auto texts = argv;
    const auto words = pointers(texts);
    const auto child = ::fork();
    if (child == 0) {
        ::setsid();
        // Before the caller goes on: a config lock that we had open too would outlive its holder.
        const int null = ::open("/dev/null", O_RDWR);
        for (const int file : {0, 1, 2}) ::dup2(null, file);
        ::close_range(3, ~0U, 0);
        if (::fork() != 0) ::_exit(0);
        ::execv("/proc/self/exe", words.data());
        ::_exit(127);
    }
    ::waitpid(child, nullptr, 0);
}

}  // namespace fip::sim::pve
