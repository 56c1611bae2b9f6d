#include "simulators/pve/pmxcfs_control.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <sstream>
#include <stdexcept>

namespace fip::sim::pve {
namespace {

// To its end: the client shuts its side down.
std::string read_all(int client) {
    std::string text;
    std::array<char, 65536> part{};
    for (;;) {
        const auto n = ::recv(client, part.data(), part.size(), 0);
        if (n < 0) throw std::runtime_error{"the client has gone"};
        if (n == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

bool is_on(const std::string& word) {
    if (word != "on" && word != "off") throw std::runtime_error{"on or off"};
    return word == "on";
}

std::string carry_out(const std::string& request, ClusterTree& tree, Switches& switches, Mounts& mounts) {
    const auto line_end = std::min(request.find('\n'), request.size());
    std::istringstream words{request.substr(0, line_end)};
    std::string command, first, second;
    words >> command >> first >> second;
    if (command == "quorum") {
        tree.set_quorate(is_on(first));
    } else if (command == "read-only") {
        tree.set_read_only(is_on(first));
    } else if (command == "hang") {
        switches.hang = is_on(first);
    } else if (command == "stale") {
        switches.stale = is_on(first);
    } else if (command == "node") {
        tree.add_node(first);
    } else if (command == "put") {
        const auto bytes = request.substr(std::min(line_end + 1, request.size()));
        if (std::to_string(bytes.size()) != second) throw std::runtime_error{"not all bytes came"};
        tree.put(first, bytes);
    } else if (command == "rename") {
        tree.rename(first, second);
    } else if (command == "remove") {
        tree.remove_file(first);
    } else if (command == "get") {
        return tree.content(first, "");
    } else if (command == "mount") {
        mounts.add(Place::parse(first, "pve"));
    } else if (command == "unmount") {
        mounts.remove(first);
    } else {
        throw std::runtime_error{"no such command: " + command};
    }
    return "";
}

void answer(int client, ClusterTree& tree, Switches& switches, Mounts& mounts) {
    std::string reply;
    try {
        reply = "ok\n" + carry_out(read_all(client), tree, switches, mounts);
    } catch (const std::exception& error) {
        reply = std::string{"error "} + error.what() + "\n";
    }
    for (std::size_t done = 0; done < reply.size();) {
        const auto n = ::send(client, reply.data() + done, reply.size() - done, MSG_NOSIGNAL);
        if (n <= 0) return;
        done += static_cast<std::size_t>(n);
    }
}

}  // namespace

int listen_for_control(const std::string& socket) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket.copy(at.sun_path, sizeof at.sun_path - 1);
    ::unlink(socket.c_str());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || ::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener, 16) != 0) {
        throw std::runtime_error{"cannot listen on " + socket};
    }
    return listener;
}

void answer_forever(int listener, ClusterTree& tree, Switches& switches, Mounts& mounts) {
    for (;;) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        answer(client, tree, switches, mounts);
        ::close(client);
    }
}

}  // namespace fip::sim::pve
