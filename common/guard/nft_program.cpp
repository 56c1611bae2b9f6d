#include "guard/nft_program.hpp"

#include "guard/file.hpp"

#include "ports/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fip::guard {
namespace {

constexpr std::size_t most_complaint = std::size_t{64} << 10;

[[noreturn]] void fail(const std::string& what) {
    throw GuardError{what + ": " + std::strerror(errno)};
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("no pipe for nft");
        from = File{ends[0]};
        to = File{ends[1]};
    }
    File from;
    File to;
};

// Killed and waited for, whatever happens.
class Child {
public:
    explicit Child(pid_t pid) : pid_{pid} {}
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        static_cast<void>(wait());
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    [[nodiscard]] int wait() {
        int status = -1;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return status;
    }

private:
    pid_t pid_;
};

const char* nft_path() {
    for (const char* path : {"/usr/sbin/nft", "/sbin/nft"}) {
        if (::access(path, X_OK) == 0) return path;
    }
    throw GuardError{"there is no /usr/sbin/nft: the guard needs the package nftables"};
}

// A file in memory: nft reads it at its pace, and nobody has to feed it.
File text_file(const std::string& text) {
    File file{::memfd_create("nft-input", MFD_CLOEXEC)};
    if (file.get() < 0) fail("no memory for nft's input");
    for (std::size_t done = 0; done < text.size();) {
        const auto n = ::write(file.get(), text.data() + done, text.size() - done);
        if (n < 0) fail("no memory for nft's input");
        done += static_cast<std::size_t>(n);
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) fail("no memory for nft's input");
    return file;
}

// In the child: system calls only.
[[noreturn]] void become(const char* path, char* const* arguments, const std::array<int, 3>& files, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it ended before we asked to end with it
    for (int i = 0; i < 3; ++i) {
        if (::dup2(files[static_cast<std::size_t>(i)], i) < 0) ::_exit(127);
    }
    char language[] = "LC_ALL=C";  // its complaints are read
    char* environment[] = {language, nullptr};
    ::execve(path, arguments, environment);
    ::_exit(127);
}

// False: the other end is closed. What is past `most` is read and dropped.
bool read_some(int file, std::string& text, std::size_t most) {
    std::array<char, 65536> part;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    const auto n = ::read(file, part.data(), part.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (n <= 0) return false;
    text.append(part.data(), std::min(static_cast<std::size_t>(n), most - text.size()));
    return true;
}

// Until both ends are closed.
void read_both(Pipe& out, Pipe& err, const NftCall& call, NftReply& reply) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + call.limit;
    while (out.from.get() >= 0 || err.from.get() >= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0) throw GuardError{"nft did not end within " + std::to_string(call.limit.count()) + " ms"};
        std::array<pollfd, 2> files{pollfd{out.from.get(), POLLIN, 0}, pollfd{err.from.get(), POLLIN, 0}};
        if (::poll(files.data(), files.size(), static_cast<int>(left)) < 0 && errno != EINTR) fail("poll");
        if (files[0].revents != 0 && !read_some(out.from.get(), reply.out, call.most_output + 1)) out.from.close();
        if (files[1].revents != 0 && !read_some(err.from.get(), reply.error, most_complaint)) err.from.close();
        if (reply.out.size() > call.most_output) {
            throw GuardError{"nft printed more than " + std::to_string(call.most_output) + " bytes"};
        }
    }
}

// "internal:0:0-0: Error: Could not process rule: File exists\n..." -> "Could not process rule: File exists"
std::string first_complaint(const std::string& text) {
    constexpr std::string_view mark = "Error: ";
    constexpr std::size_t enough = 300;
    const auto found = text.find(mark);
    auto begin = found == std::string::npos ? 0 : found + mark.size();
    auto line = text.substr(begin, std::min(text.find('\n', begin) - begin, enough));
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    return line;
}

}  // namespace

NftReply run_nft(const NftCall& call) {
    const char* path = nft_path();
    std::vector<std::string> texts{"nft"};
    texts.insert(texts.end(), call.arguments.begin(), call.arguments.end());
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (auto& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);

    auto in = text_file(call.input);
    Pipe out;
    Pipe err;
    const std::array<int, 3> files{in.get(), out.to.get(), err.to.get()};
    const auto self = ::getpid();
    const auto pid = ::fork();
    if (pid == 0) become(path, arguments.data(), files, self);
    if (pid < 0) fail("nft cannot be started");
    Child child{pid};
    out.to.close();
    err.to.close();

    NftReply reply;
    read_both(out, err, call, reply);
    const int status = child.wait();
    reply.is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    reply.error = first_complaint(reply.error);
    if (!reply.is_done && reply.error.empty()) {
        reply.error = WIFSIGNALED(status) ? "nft was ended by signal " + std::to_string(WTERMSIG(status))
                                          : "nft failed without a word";
    }
    return reply;
}

}  // namespace fip::guard
