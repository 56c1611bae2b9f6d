#include "runtime/daemon_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>

namespace fip::runtime {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::size_t longest_answer = 4096;

class Connection {
public:
    explicit Connection(Steady::time_point deadline) : deadline_{deadline} {
        file_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    ~Connection() {
        if (file_ >= 0) ::close(file_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool connect(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (file_ < 0 || path.size() >= sizeof address.sun_path) return false;
        std::memcpy(address.sun_path, path.data(), path.size());
        // A full backlog is EAGAIN and cannot be waited for: as good as no answer.
        return ::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

    bool send(std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(file_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                text.remove_prefix(static_cast<std::size_t>(sent));
            } else if (!may_go_on(POLLOUT)) {
                return false;
            }
        }
        return true;
    }

    std::optional<std::string> receive_line() {
        std::string line;
        std::array<char, 512> part{};
        while (line.size() < longest_answer) {
            const auto got = ::recv(file_, part.data(), part.size(), 0);
            if (got == 0) return std::nullopt;
            if (got < 0) {
                if (!may_go_on(POLLIN)) return std::nullopt;
                continue;
            }
            line.append(part.data(), static_cast<std::size_t>(got));
            if (const auto end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
        }
        return std::nullopt;
    }

private:
    // After a failed call: wait until it can be repeated.
    bool may_go_on(short event) const {
        if (errno == EINTR) return Steady::now() < deadline_;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Steady::now()).count();
        if (left <= 0) return false;
        pollfd waiting{file_, event, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left));
        return ready > 0 || (ready < 0 && errno == EINTR);
    }

    int file_ = -1;
    Steady::time_point deadline_;
};

}  // namespace

std::optional<std::string> ask(const std::filesystem::path& socket, std::string_view request,
                               std::chrono::milliseconds limit) noexcept {
    try {
        Connection connection{Steady::now() + limit};
        if (!connection.connect(socket.string())) return std::nullopt;
        if (!connection.send(std::string{request} + "\n")) return std::nullopt;
        return connection.receive_line();
    } catch (const std::exception&) {
        return std::nullopt;  // out of memory: the caller cannot tell it from a dead daemon, and need not
    }
}

}  // namespace fip::runtime
