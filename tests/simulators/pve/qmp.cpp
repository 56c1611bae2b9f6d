#include "simulators/pve/qmp.hpp"

#include "simulators/pve/node.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

namespace fip::sim::pve {
namespace {

namespace json = boost::json;

class Connection {
public:
    explicit Connection(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        const timeval limit{5, 0};                            // PVE's own limit for most commands is 5 s
        for (const int which : {SO_RCVTIMEO, SO_SNDTIMEO}) {  // the latter limits connect(), too
            ::setsockopt(socket_, SOL_SOCKET, which, &limit, sizeof limit);
        }
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
            ::close(socket_);
            throw CommandError{"unable to connect to VM qmp socket - timeout after 51 retries\n"};
        }
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void send(const json::object& request) const {
        const auto line = json::serialize(request) + "\n";
        [[maybe_unused]] const auto n = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
    }

    json::object receive() {
        for (;;) {
            const auto end = text_.find('\n');
            if (end != text_.npos) {
                auto value = json::parse(text_.substr(0, end));
                text_.erase(0, end + 1);
                return value.as_object();
            }
            std::array<char, 4096> part{};
            const auto n = ::recv(socket_, part.data(), part.size(), 0);
            if (n <= 0) throw CommandError{"VM qmp command failed - got timeout\n"};
            text_.append(part.data(), static_cast<std::size_t>(n));
        }
    }

    json::value answer() {
        for (;;) {
            const auto reply = receive();
            if (const auto* value = reply.if_contains("return")) return *value;
            if (const auto* error = reply.if_contains("error")) {
                throw CommandError{std::string{error->at("desc").as_string()}};
            }
        }
    }

private:
    int socket_;
    std::string text_;
};

}  // namespace

json::value qmp(const std::string& socket, const std::string& command, const json::object& arguments) {
    Connection connection{socket};
    static_cast<void>(connection.receive());  // the greeting
    connection.send({{"execute", "qmp_capabilities"}});
    static_cast<void>(connection.answer());
    json::object request{{"execute", command}};
    if (!arguments.empty()) request["arguments"] = arguments;
    connection.send(request);
    return connection.answer();
}

}  // namespace fip::sim::pve
