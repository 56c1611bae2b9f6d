#include "simulators/switch/control.hpp"

#include "core/errors.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <system_error>

namespace fip::sim {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_line = 4096;

std::string read_line(int client) {
    std::string line;
    std::array<char, 512> part{};
    while (line.find('\n') == line.npos && line.size() < longest_line) {
        const auto n = ::recv(client, part.data(), part.size(), 0);
        if (n <= 0) throw InputError{"no whole line"};
        line.append(part.data(), static_cast<std::size_t>(n));
    }
    if (line.empty() || line.back() != '\n') throw InputError{"one line, please"};
    line.pop_back();
    return line;
}

json::object carry_out(EthernetSwitch& fabric, const std::string& line) {
    const auto space = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, space);
    const auto argument = line.substr(std::min(space + 1, line.size()));
    if (word == "status" && argument.empty()) return fabric.status();
    if (word == "plug") {
        fabric.plug(PortPlan::parse(argument));
    } else if (word == "open") {
        fabric.open(argument);
    } else if (word == "reset" && argument.empty()) {
        fabric.reset();
    } else {
        throw InputError{"status, plug PORT, open NAME, reset"};
    }
    return {{"done", true}};
}

std::string reply_to(EthernetSwitch& fabric, int client) {
    try {
        return json::serialize(carry_out(fabric, read_line(client))) + "\n";
    } catch (const std::exception& error) {
        return json::serialize(json::object{{"error", error.what()}}) + "\n";
    }
}

}  // namespace

Control::Control(const std::string& path)
    : listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) throw InputError{"the control socket's path is too long"};
    path.copy(at.sun_path, path.size());
    ::unlink(path.c_str());
    const bool is_listening = listener_.number() >= 0 &&
                              ::bind(listener_.number(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                              ::listen(listener_.number(), 16) == 0;
    if (!is_listening) throw std::system_error{errno, std::generic_category(), path};
}

void Control::answer(EthernetSwitch& fabric) {
    const Descriptor client{::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (client.number() < 0) return;
    const timeval limit{0, 100'000};
    ::setsockopt(client.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(client.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const auto reply = reply_to(fabric, client.number());
    for (std::size_t done = 0; done < reply.size();) {
        const auto n = ::send(client.number(), reply.data() + done, reply.size() - done, MSG_NOSIGNAL);
        if (n <= 0) return;  // the client is gone: nobody is left to tell
        done += static_cast<std::size_t>(n);
    }
}

}  // namespace fip::sim
