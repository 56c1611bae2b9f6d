#include "cli_daemon.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace fip::test {

CliDaemon::CliDaemon(const std::string& socket, Manner manner) : manner_{manner}, path_{socket} {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(socket.begin(), std::min(socket.size(), sizeof address.sun_path - 1), address.sun_path);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 128) != 0) {
        throw std::system_error{errno, std::generic_category(), "cannot listen on " + socket};
    }
    thread_ = std::thread{[this] { serve(); }};
}

CliDaemon::~CliDaemon() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (const int client : silent_) ::close(client);
    ::unlink(path_.c_str());
}

std::vector<std::string> CliDaemon::requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
}

void CliDaemon::serve() {
    for (;;) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;  // shut down by the destructor
        std::string line;
        std::array<char, 256> piece{};
        while (line.find('\n') == std::string::npos) {
            const auto n = ::read(client, piece.data(), piece.size());
            if (n <= 0) break;
            line.append(piece.data(), static_cast<std::size_t>(n));
        }
        {
            const std::lock_guard lock{mutex_};
            requests_.push_back(line.substr(0, line.find('\n')));
        }
        if (manner_ == Manner::stays_silent) {
            silent_.push_back(client);
            continue;
        }
        [[maybe_unused]] const auto n = ::send(client, "ok\n", 3, MSG_NOSIGNAL);
        ::close(client);
    }
}

}  // namespace fip::test
