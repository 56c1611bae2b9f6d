#include "cable.hpp"

#include "support/wait_until.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto provider_address = "192.0.2.1";
constexpr std::uint16_t port = 5001;

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), what};
    return result;
}

int open_network(const std::string& process) {
    return checked(::open(("/proc/" + process + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC), "ns/net");
}

void must(const std::vector<std::string>& argv) {
    const auto done = test::run({argv});
    std::string words;
    for (const auto& word : argv) words += word + " ";
    if (done.exit_code != 0) throw std::runtime_error{words + "-> " + done.err};
}

/// Elsewhere, for as long as it lives.
class Visit {
public:
    explicit Visit(pid_t process) : home_{open_network("thread-self")} {
        const int there = open_network(std::to_string(process));
        const int result = ::setns(there, CLONE_NEWNET);
        ::close(there);
        checked(result, "setns");
    }
    ~Visit() {
        [[maybe_unused]] const int result = ::setns(home_, CLONE_NEWNET);  // home was open before we left
        ::close(home_);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

private:
    int home_;
};

test::Process make_network() {
    test::Process process{test::Command{{"unshare", "--net", "--", "sleep", "infinity"}}};
    const auto ours = fs::read_symlink("/proc/thread-self/ns/net");
    const auto there = "/proc/" + std::to_string(process.pid()) + "/ns/net";
    if (!test::wait_until([&] { return fs::read_symlink(there) != ours; }, 10s))
        throw std::runtime_error{"no network namespace: " + process.err()};
    return process;
}

int tcp_socket() {
    const int socket = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const timeval patience{10, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return socket;
}

sockaddr_in address_of(const char* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

}  // namespace

Cable::Cable(Segments segments)
    : outside_{open_network("thread-self")}, guest_{make_network()}, provider_{make_network()} {
    try {
        checked(::unshare(CLONE_NEWNET), "unshare");
        lay(segments);
        connect();
    } catch (...) {
        leave();
        throw;
    }
}

Cable::~Cable() {
    leave();
}

void Cable::leave() noexcept {
    for (const int file : {out_, in_}) {
        if (file >= 0) ::close(file);
    }
    [[maybe_unused]] const int result = ::setns(outside_, CLONE_NEWNET);  // where we came from is still open
    ::close(outside_);
}

void Cable::lay(Segments segments) {
    const auto guest = std::to_string(guest_.pid());
    const auto provider = std::to_string(provider_.pid());
    const auto enter = [](const std::string& process, std::vector<std::string> argv) {
        argv.insert(argv.begin(), {"nsenter", "--net", "--target", process});
        must(argv);
    };
    must({"ip", "link", "add", "br0", "address", host_mac, "type", "bridge", "forward_delay", "0"});
    must({"ip", "link", "add", "p0", "type", "veth", "peer", "name", "g0", "address", guest_mac, "netns", guest});
    must({"ip", "link", "add", uplink, "address", host_mac, "type", "veth", "peer", "name", "far0", "netns", provider});
    for (const auto* device : {"p0", uplink}) must({"ip", "link", "set", device, "master", "br0", "up"});
    must({"ip", "link", "set", "br0", "up"});
    enter(guest, {"ip", "addr", "add", std::string{guest_address} + "/24", "dev", "g0"});
    enter(provider, {"ip", "addr", "add", std::string{provider_address} + "/24", "dev", "far0"});
    if (segments == Segments::frames) enter(guest, {"ip", "link", "set", "g0", "gso_max_segs", "1"});
    enter(guest, {"ip", "link", "set", "g0", "up"});
    enter(provider, {"ip", "link", "set", "far0", "up"});
}

void Cable::connect() {
    const auto at = address_of(provider_address);
    const auto* there = reinterpret_cast<const sockaddr*>(&at);
    int listener = -1;
    {
        const Visit visit{provider_.pid()};
        listener = tcp_socket();
    }
    const bool is_listening = ::bind(listener, there, sizeof at) == 0 && ::listen(listener, 1) == 0;
    {
        const Visit visit{guest_.pid()};
        out_ = tcp_socket();
    }
    const bool is_connected = is_listening && ::connect(out_, there, sizeof at) == 0;
    if (is_connected) in_ = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const int error = errno;
    ::close(listener);
    if (in_ < 0) throw std::system_error{error, std::generic_category(), "a connection through the bridge"};
    const timeval patience{10, 0};
    ::setsockopt(in_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    // It does not wake up for every frame: what is measured is the way, not the traveller.
    const int enough = 32 << 10;
    ::setsockopt(in_, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough);
}

Duration Cable::send(std::size_t bytes) {
    static constexpr std::size_t piece = std::size_t{128} << 10;
    const auto begin = std::chrono::steady_clock::now();
    const std::jthread sender{[this, bytes] {
        const std::vector<char> data(piece);
        for (std::size_t sent = 0; sent < bytes;) {
            const auto n = ::send(out_, data.data(), std::min<std::size_t>(piece, bytes - sent), MSG_NOSIGNAL);
            if (n <= 0) return;  // the receiver says so
            sent += static_cast<std::size_t>(n);
        }
    }};
    std::vector<char> taken(piece);
    for (std::size_t received = 0; received < bytes;) {
        const auto n = ::recv(in_, taken.data(), std::min(taken.size(), bytes - received), 0);
        if (n <= 0) throw std::runtime_error{"nothing comes through the bridge any more"};
        received += static_cast<std::size_t>(n);
    }
    return std::chrono::steady_clock::now() - begin;
}

}  // namespace fip::bench
