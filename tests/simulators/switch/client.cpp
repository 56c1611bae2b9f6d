#include "simulators/switch/client.hpp"

#include "support/wait_until.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace fip::test {
namespace {

namespace json = boost::json;

class Connection {
public:
    explicit Connection(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
            const int error = errno;
            ::close(socket_);
            throw std::system_error{error, std::generic_category(), path};
        }
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] std::string ask(const std::string& line) const {
        std::string reply;
        if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) < 0) return reply;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::recv(socket_, part.data(), part.size(), 0)) > 0;) {
            reply.append(part.data(), static_cast<std::size_t>(n));
        }
        return reply;
    }

private:
    int socket_;
};

std::string text(const json::value& value) {
    return std::string{value.as_string()};
}

std::optional<SwitchSim::Exhibit> exhibit_from(const json::value& value) {
    if (value.is_null()) return std::nullopt;
    SwitchSim::Exhibit frame;
    frame.mac = text(value.at("mac"));
    frame.ethertype = text(value.at("ethertype"));
    frame.at = std::chrono::system_clock::time_point{std::chrono::microseconds{value.at("at_us").as_int64()}};
    frame.start = text(value.at("start"));
    if (const auto* claimed = value.as_object().if_contains("claimed")) frame.claimed = text(*claimed);
    return frame;
}

SwitchSim::Port port_from(const json::value& row) {
    const auto number = [&](const char* name) { return row.at(name).to_number<std::uint64_t>(); };
    SwitchSim::Port port;
    port.state = text(row.at("state"));
    port.closed_by = exhibit_from(row.at("closed_by"));
    port.last_spoofed = exhibit_from(row.at("last_spoofed"));
    port.received = number("received");
    port.sent = number("sent");
    port.refused = number("refused");
    port.withheld = number("withheld");
    port.unreadable = number("unreadable");
    port.unsent = number("unsent");
    port.lost = number("lost");
    port.spoofed = number("spoofed");
    for (const auto& [mac, count] : row.at("frames").as_object()) {
        port.frames[mac] = count.to_number<std::uint64_t>();
    }
    return port;
}

}  // namespace

SwitchSim::SwitchSim(const Options& options) : socket_{options.folder + "/switch"} {
    Command command{{FIP_SIM_SWITCH_PROGRAM, "--account", options.account, "--control-socket", socket_}};
    for (const auto& port : options.ports) command.argv.insert(command.argv.end(), {"--port", port});
    command.inside = options.inside;
    process_ = std::make_unique<Process>(command);
    const bool is_up =
        wait_until([&] { return !process_->is_running() || process_->out() == "ready\n"; }, std::chrono::seconds{20});
    if (!is_up || !process_->is_running()) throw std::runtime_error{"the switch did not start: " + process_->err()};
}

json::object SwitchSim::ask(const std::string& line) const {
    const auto reply = Connection{socket_}.ask(line + "\n");
    boost::system::error_code failure;
    auto value = json::parse(reply, failure);
    if (failure || !value.is_object()) throw std::runtime_error{"the switch answers no JSON: " + reply};
    if (const auto* error = value.get_object().if_contains("error"); error != nullptr && error->is_string()) {
        throw std::runtime_error{line + ": " + text(*error)};
    }
    return std::move(value.get_object());
}

void SwitchSim::plug(const std::string& port) {
    static_cast<void>(ask("plug " + port));
}

void SwitchSim::open(const std::string& port) {
    static_cast<void>(ask("open " + port));
}

void SwitchSim::reset() {
    static_cast<void>(ask("reset"));
}

void SwitchSim::pause() {
    process_->signal(SIGSTOP);
}

void SwitchSim::resume() {
    process_->signal(SIGCONT);
}

json::object SwitchSim::status() const {
    return ask("status");
}

SwitchSim::Port SwitchSim::port(const std::string& name) const {
    const auto now = status();
    for (const auto& row : now.at("ports").as_array()) {
        if (row.at("name").as_string() == name) return port_from(row);
    }
    throw std::runtime_error{"the switch has no port " + name};
}

std::uint64_t SwitchSim::lost() const {
    std::uint64_t all = 0;
    const auto now = status();
    for (const auto& row : now.at("ports").as_array()) {
        const auto one = port_from(row);
        all += one.lost + one.unsent;
    }
    return all;
}

std::uint64_t SwitchSim::registered_macs() const {
    return status().at("account").at("macs").to_number<std::uint64_t>();
}

std::string SwitchSim::story() const {
    return "--- switch\n" + json::serialize(status()) + "\n";
}

}  // namespace fip::test
