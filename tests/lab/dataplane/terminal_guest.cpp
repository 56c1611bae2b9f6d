#include "lab/dataplane/terminal_guest.hpp"

#include "support/wait_until.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace fip::test {
namespace {

constexpr std::string_view done = "FIP-GUEST done ";

// A whole line after `from` that begins with `done`: where it begins and what it says.
std::optional<std::pair<std::size_t, int>> find_done(const std::string& console, std::size_t from) {
    const auto at = console.find(done, from);
    if (at == console.npos || console.find('\n', at) == console.npos) return std::nullopt;
    return std::pair{at, std::stoi(console.substr(at + done.size()))};
}

std::string start(LabHost& host, GuestXml guest) {
    guest.has_terminal = true;
    host.define(domain_xml(guest));
    host.start(guest.name);
    return guest.name;
}

}  // namespace

TerminalGuest::TerminalGuest(LabHost& host, GuestXml guest) : TerminalGuest{host, start(host, std::move(guest))} {}

TerminalGuest::TerminalGuest(LabHost& host, std::string name) : host_{host}, name_{std::move(name)} {
    connect();
}

TerminalGuest::~TerminalGuest() {
    ::close(terminal_);
}

void TerminalGuest::connect() {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const auto path = host_.path("/run/" + name_ + ".tty");
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    terminal_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (terminal_ < 0 || ::connect(terminal_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
        const int error = errno;
        ::close(terminal_);
        throw std::system_error{error, std::generic_category(), path};
    }
}

void TerminalGuest::wait_until_ready(std::chrono::milliseconds limit) const {
    if (!shows("FIP-GUEST ready", limit))
        throw std::runtime_error{name_ + " does not come up. Its console: " + console()};
}

bool TerminalGuest::shows(const std::string& text, std::chrono::milliseconds limit) const {
    return host_.console_shows(name_, text, limit);
}

std::string TerminalGuest::console() const {
    drain();
    return host_.console(name_);
}

// The log file has it all; QEMU only must not wait for us to take it. It does after some 300 bytes.
void TerminalGuest::drain() const {
    std::array<char, 4096> part{};
    while (::recv(terminal_, part.data(), part.size(), MSG_DONTWAIT) > 0) {
    }
}

void TerminalGuest::say(const std::string& line) {
    drain();
    const auto text = line + "\n";
    if (::send(terminal_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error{name_ + " has no terminal"};
}

Result TerminalGuest::run(const std::string& command, std::chrono::milliseconds limit) {
    const auto from = console().size();
    say("run " + command);
    std::optional<std::pair<std::size_t, int>> end;
    std::string said;
    const bool has_ended = wait_until(
        [&] {
            drain();
            said = console();
            end = find_done(said, from);
            return end.has_value();
        },
        limit);
    if (!has_ended) throw std::runtime_error{name_ + " does not end '" + command + "': " + said.substr(from)};
    Result result{end->second, said.substr(from, end->first - from), {}};
    std::erase(result.out, '\r');
    return result;
}

std::optional<TerminalGuest::Pings> TerminalGuest::pings(const std::string& address) const {
    const auto said = console();
    const auto opening = "FIP-GUEST ping " + address + " sent ";
    auto at = said.rfind(opening);
    while (at != said.npos && at != 0 && said.find('\n', at) == said.npos) at = said.rfind(opening, at - 1);
    if (at == said.npos) return std::nullopt;
    Pings pings;
    std::string received;
    std::istringstream line{said.substr(at + opening.size())};
    if (!(line >> pings.sent >> received >> pings.received)) return std::nullopt;
    return pings;
}

}  // namespace fip::test
