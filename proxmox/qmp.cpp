#include "qmp.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

namespace fip::proxmox {
namespace {

namespace json = boost::json;
using Steady = std::chrono::steady_clock;

constexpr std::size_t most_answer = std::size_t{1} << 20;
constexpr std::chrono::milliseconds between_tries{50};

[[noreturn]] void fail(const std::string& what) {
    throw QmpError{what + ": " + std::strerror(errno)};
}

std::string command_text(std::string_view name, json::object arguments = {}) {
    json::object command{{"execute", name}};
    if (!arguments.empty()) command["arguments"] = std::move(arguments);
    return json::serialize(command) + "\n";
}

}  // namespace

struct Qmp::Answer {
    json::value result;
    std::string error;
};

Qmp::Qmp(const std::filesystem::path& socket, std::chrono::milliseconds limit) : end_{Steady::now() + limit} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto text = socket.string();
    if (text.size() >= sizeof address.sun_path) throw QmpError{text + " is too long for a socket"};
    std::copy(text.begin(), text.end(), std::begin(address.sun_path));
    file_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file_ < 0) fail("socket");
    try {
        while (::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            const bool is_busy = errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR;
            if (!is_busy || Steady::now() + between_tries > end_) fail(text);
            std::this_thread::sleep_for(between_tries);
        }
        (void)line();  // the greeting
        if (const auto answer = ask(command_text("qmp_capabilities")); !answer.error.empty()) {
            throw QmpError{answer.error};
        }
    } catch (...) {
        ::close(file_);
        throw;
    }
}

Qmp::~Qmp() {
    ::close(file_);
}

std::string Qmp::line() {
    for (;;) {
        if (const auto end = buffer_.find('\n'); end != buffer_.npos) {
            auto text = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return text;
        }
        if (buffer_.size() > most_answer) throw QmpError{"QEMU's answer is too long"};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Steady::now()).count();
        pollfd readable{file_, POLLIN, 0};
        if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) == 0) throw QmpError{"QEMU does not answer"};
        std::array<char, 4096> piece{};
        const auto n = ::read(file_, piece.data(), piece.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) throw QmpError{"QEMU hung up"};
        buffer_.append(piece.data(), static_cast<std::size_t>(n));
    }
}

Qmp::Answer Qmp::ask(const std::string& command) {
    if (::send(file_, command.data(), command.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(command.size())) {
        fail("QEMU cannot be asked");
    }
    for (;;) {
        json::error_code broken;
        auto value = json::parse(line(), broken);
        if (broken || !value.is_object()) throw QmpError{"QEMU's answer cannot be understood"};
        auto& object = value.get_object();
        if (auto* result = object.if_contains("return")) return {std::move(*result), {}};
        if (const auto* error = object.if_contains("error")) return {nullptr, json::serialize(*error)};
        // An event: not for us.
    }
}

std::string Qmp::status() {
    const auto answer = ask(command_text("query-status"));
    const auto* object = answer.result.if_object();
    const auto* status = object == nullptr ? nullptr : object->if_contains("status");
    return status != nullptr && status->is_string() ? std::string{status->get_string()} : std::string{};
}

void Qmp::stop() {
    if (const auto answer = ask(command_text("stop")); !answer.error.empty()) throw QmpError{answer.error};
}

void Qmp::cont() {
    if (const auto answer = ask(command_text("cont")); !answer.error.empty()) throw QmpError{answer.error};
}

std::map<std::string, Mac> Qmp::nics() {
    const std::string folder = "/machine/peripheral/";
    const auto devices = ask(command_text("qom-list", {{"path", "/machine/peripheral"}}));
    if (!devices.result.is_array()) throw QmpError{"QEMU does not list its devices: " + devices.error};
    std::map<std::string, Mac> macs;
    for (const auto& device : devices.result.get_array()) {
        const auto* object = device.if_object();
        const auto* name = object == nullptr ? nullptr : object->if_contains("name");
        if (name == nullptr || !name->is_string() || !name->get_string().starts_with("net")) continue;
        const std::string id{name->get_string()};
        const auto answer = ask(command_text("qom-get", {{"path", folder + id}, {"property", "mac"}}));
        if (!answer.result.is_string()) continue;  // it has just gone
        if (const auto mac = Mac::try_parse(std::string_view{answer.result.get_string()})) macs.emplace(id, *mac);
    }
    return macs;
}

}  // namespace fip::proxmox
