// keep-pinging ADDRESS: ten echo requests a second for ever. Prints a line when answers begin or cease, and with every
// fiftieth answer:
//     FIP-GUEST ping ADDRESS sent N received M
// N counts the requests whose fate is known: answered, or not within three seconds. So N - M are lost, and none is in
// flight. Static, and without the C++ library: it goes into the guest's initrd.
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr std::int64_t period_ms = 100;
constexpr std::int64_t patience_ms = 3000;
constexpr std::uint64_t window = 64;  // more than patience / period

enum class Fate : std::uint8_t { unknown, answered, lost };

struct Pings {
    const char* name;
    sockaddr_in to{};
    std::uint16_t id = 0;
    std::uint64_t sent = 0;
    std::uint64_t settled = 0;
    std::uint64_t received = 0;
    bool is_answered = false;
    Fate fates[window] = {};
    std::int64_t sent_at_ms[window] = {};
};

std::int64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::uint16_t checksum(const std::uint8_t* bytes, std::size_t size) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < size; i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8U | bytes[i + 1]);
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum & 0xffffU);
}

void print(const Pings& pings) {
    std::printf("FIP-GUEST ping %s sent %llu received %llu\n", pings.name,
                static_cast<unsigned long long>(pings.settled), static_cast<unsigned long long>(pings.received));
    std::fflush(stdout);
}

void send_request(int socket, Pings& pings) {
    std::uint8_t packet[16] = {ICMP_ECHO};
    packet[4] = static_cast<std::uint8_t>(pings.id >> 8U);
    packet[5] = static_cast<std::uint8_t>(pings.id);
    packet[6] = static_cast<std::uint8_t>(pings.sent >> 8U);
    packet[7] = static_cast<std::uint8_t>(pings.sent);
    const auto sum = checksum(packet, sizeof packet);
    packet[2] = static_cast<std::uint8_t>(sum >> 8U);
    packet[3] = static_cast<std::uint8_t>(sum);
    pings.fates[pings.sent % window] = Fate::unknown;
    pings.sent_at_ms[pings.sent % window] = now_ms();
    ++pings.sent;
    // No route, no device: then no answer comes, and that is what is counted.
    [[maybe_unused]] const auto n =
        ::sendto(socket, packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&pings.to), sizeof pings.to);
}

// In order, so that a line never says more than what is certain.
void settle(Pings& pings) {
    for (; pings.settled < pings.sent;) {
        auto& fate = pings.fates[pings.settled % window];
        if (fate == Fate::unknown && now_ms() - pings.sent_at_ms[pings.settled % window] > patience_ms)
            fate = Fate::lost;
        if (fate == Fate::unknown) return;
        ++pings.settled;
        const bool is_answered = fate == Fate::answered;
        if (is_answered) ++pings.received;
        const bool is_change = is_answered != pings.is_answered || pings.settled == 1;
        pings.is_answered = is_answered;
        if (is_change || (is_answered && pings.received % 50 == 0)) print(pings);
    }
}

void take_answer(int socket, Pings& pings) {
    std::uint8_t packet[1500];
    const auto size = ::recv(socket, packet, sizeof packet, 0);
    if (size < 20) return;
    const auto* icmp = packet + 4 * (packet[0] & 0x0fU);
    if (icmp + 8 > packet + size || icmp[0] != ICMP_ECHOREPLY) return;
    if (std::memcmp(packet + 12, &pings.to.sin_addr, 4) != 0 || (icmp[4] << 8U | icmp[5]) != pings.id) return;
    const auto low = static_cast<std::uint16_t>(icmp[6] << 8U | icmp[7]);
    for (auto number = pings.settled; number < pings.sent; ++number) {
        if (static_cast<std::uint16_t>(number) == low) pings.fates[number % window] = Fate::answered;
    }
}

}  // namespace

int main(int argc, char** argv) {
    Pings pings{argc == 2 ? argv[1] : ""};
    pings.to.sin_family = AF_INET;
    if (::inet_pton(AF_INET, pings.name, &pings.to.sin_addr) != 1) {
        std::fprintf(stderr, "keep-pinging ADDRESS\n");
        return 2;
    }
    pings.id = static_cast<std::uint16_t>(::getpid());
    const int socket = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (socket < 0) {
        std::perror("keep-pinging");
        return 1;
    }
    for (auto next = now_ms();;) {
        pollfd waiting{socket, POLLIN, 0};
        const auto rest = next - now_ms();
        if (::poll(&waiting, 1, rest > 0 ? static_cast<int>(rest) : 0) > 0) take_answer(socket, pings);
        settle(pings);
        if (now_ms() < next) continue;
        send_request(socket, pings);
        next = now_ms() + period_ms;
    }
}
