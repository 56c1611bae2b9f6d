#include "daemon/socket_server.hpp"

#include "core/errors.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace fip::daemon {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds client_limit{2};
constexpr std::chrono::milliseconds killed_one_lasts{500};
constexpr std::size_t most_clients = 64;
constexpr std::size_t longest_request = 256;

[[noreturn]] void fail(const std::filesystem::path& file) {
    throw std::system_error{errno, std::generic_category(), file.string()};
}

int make_lock(const std::filesystem::path& file) {
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) fail(file);
    int reason = 0;
    // A child that a killed daemon was about to start has it until it executes its program.
    for (const auto end = Steady::now() + killed_one_lasts;;) {
        if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
        reason = errno;
        if (reason != EWOULDBLOCK || Steady::now() >= end) break;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    ::close(lock);
    errno = reason;
    if (reason == EWOULDBLOCK) throw InputError{"another daemon is running (it holds " + file.string() + ")"};
    fail(file);
}

int listen_at(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto text = path.string();
    if (text.size() >= sizeof address.sun_path) throw InputError{text + ": too long for a socket"};
    std::memcpy(address.sun_path, text.data(), text.size());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) fail(path);
    ::unlink(path.c_str());  // of a daemon that was killed: we hold the lock
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0600) != 0 || ::listen(socket, 128) != 0) {
        const int reason = errno;
        ::close(socket);
        errno = reason;
        fail(path);
    }
    return socket;
}

}  // namespace

struct SocketServer::Client {
    int file = -1;
    Steady::time_point until;
    std::string text{};
    bool is_done = false;
};

SocketServer::SocketServer(std::filesystem::path socket, Requests requests)
    : path_{std::move(socket)}, requests_{std::move(requests)} {
    const auto folder = path_.parent_path();
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder);
    lock_ = make_lock(std::filesystem::path{path_}.replace_extension(".lock"));
    listening_ = listen_at(path_);
    stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_ < 0) fail("eventfd");
}

SocketServer::~SocketServer() {
    ::unlink(path_.c_str());
    for (const int file : {listening_, stop_, lock_}) ::close(file);
}

void SocketServer::stop() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof one);  // a full counter wakes as well
}

std::string_view SocketServer::reply_to(std::string_view request) const {
    constexpr std::string_view look = "look ";
    constexpr std::string_view starting = "starting ";
    constexpr std::string_view no_id = "not a guest's id\n";
    if (request == "ping") return "ok\n";
    if (request == "starting") return requests_.starting("") ? "ok\n" : no_id;
    if (request.starts_with(starting)) return requests_.starting(request.substr(starting.size())) ? "ok\n" : no_id;
    if (request == "work") {
        requests_.work();
        return "ok\n";
    }
    if (request == "poke") {
        requests_.poke();
        return "ok\n";
    }
    if (request == "waiting") {
        requests_.waiting();
        return "ok\n";
    }
    if (request == "reload") {
        requests_.reload();
        return "ok\n";
    }
    if (request.starts_with(look)) return requests_.look(request.substr(look.size())) ? "ok\n" : no_id;
    return "unknown request\n";
}

void SocketServer::answer(Client& client) const {
    std::array<char, longest_request> part{};
    const auto got = ::recv(client.file, part.data(), part.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    client.is_done = got <= 0;
    if (client.is_done) return;
    client.text.append(part.data(), static_cast<std::size_t>(got));
    const auto end = client.text.find('\n');
    client.is_done = end != std::string::npos || client.text.size() > longest_request;
    if (end == std::string::npos) return;
    const auto reply = reply_to(std::string_view{client.text}.substr(0, end));
    // A few bytes into an empty buffer: all or nothing, and who does not read it has lost it.
    (void)::send(client.file, reply.data(), reply.size(), MSG_NOSIGNAL);
}

void SocketServer::run() {
    std::vector<Client> clients;
    for (;;) {
        std::vector<pollfd> files{{stop_, POLLIN, 0}, {listening_, POLLIN, 0}};
        for (const auto& client : clients) files.push_back({client.file, POLLIN, 0});
        // Nobody there: sleep until somebody comes.
        (void)::poll(files.data(), files.size(), clients.empty() ? -1 : 500);
        if (files[0].revents != 0) break;
        const auto now = Steady::now();
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (files[i + 2].revents != 0) answer(clients[i]);
            if (now >= clients[i].until) clients[i].is_done = true;
        }
        if (files[1].revents != 0) {
            if (clients.size() >= most_clients) clients.front().is_done = true;
            const int file = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (file >= 0) clients.push_back({file, now + client_limit});
        }
        std::erase_if(clients, [](const Client& client) {
            if (client.is_done) ::close(client.file);
            return client.is_done;
        });
    }
    for (const auto& client : clients) ::close(client.file);
}

}  // namespace fip::daemon
