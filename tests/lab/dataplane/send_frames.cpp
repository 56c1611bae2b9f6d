// send-frames: raw Ethernet frames as a hostile guest sends them. Static, and without the C++ library: it goes into the
// guest's initrd.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr char usage[] =
    "send-frames DEV [--count N] [--macs M] [--seed S] [--mac MAC | --own-mac] [--to MAC]\n"
    "            [--ethertypes all|0x0800,0x88cc,...] [--arp-for ADDRESS] [--rarp] [--vlan ID] [--size BYTES]\n"
    "            [--rate FRAMES] [--through-tap] [--into-wall]\n"
    "N frames to everybody (or MAC), from M made-up MACs in turn. A seed always makes the same frames.\n"
    "--rate: so many a second. --through-tap: DEV is a tap that is there already, and the frames come out of it.\n"
    "--into-wall: what the kernel throws away counts as sent.\n"
    "all: the ethertypes from 0x0600 up and 802.3 lengths, at random. Prints \"sent N\"; exit code 1: not all of "
    "them.\n";

constexpr std::uint16_t type_arp = 0x0806;
constexpr std::uint16_t type_rarp = 0x8035;
constexpr std::size_t most_types = 64;
constexpr std::size_t longest_frame = 1514;

struct Plan {
    const char* device = nullptr;
    unsigned long count = 1;
    unsigned long macs = 1;
    std::uint64_t seed = 1;
    std::uint8_t mac[6] = {};
    bool has_mac = false;
    bool has_own_mac = false;
    std::uint8_t to[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    std::uint16_t types[most_types] = {0x88b5};  // for local experiments
    std::size_t type_count = 1;
    bool has_all_types = false;
    in_addr arp_for = {};
    bool is_arp = false;
    bool is_rarp = false;
    long vlan = -1;
    std::size_t size = 60;
    unsigned long rate = 0;  ///< A second; 0: as fast as it goes.
    bool is_tap = false;
    bool is_into_wall = false;
};

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "send-frames: %s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
    std::exit(1);
}

[[noreturn]] void misuse(const char* word) {
    std::fprintf(stderr, "send-frames: %s?\n%s", word, usage);
    std::exit(2);
}

// splitmix64
std::uint64_t next(std::uint64_t& state) {
    auto z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

unsigned long number(const char* text, unsigned long most) {
    char* end = nullptr;
    errno = 0;
    const auto value = std::strtoul(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value > most) misuse(text);
    return value;
}

void read_mac(const char* text, std::uint8_t (&mac)[6]) {
    int end = 0;
    unsigned parts[6];
    const int n = std::sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4],
                              &parts[5], &end);
    if (n != 6 || text[end] != '\0') misuse(text);
    for (int i = 0; i < 6; ++i) mac[i] = static_cast<std::uint8_t>(parts[i]);
}

void read_types(char* text, Plan& plan) {
    plan.has_all_types = std::strcmp(text, "all") == 0;
    if (plan.has_all_types) return;
    plan.type_count = 0;
    char* rest = nullptr;
    for (char* word = strtok_r(text, ",", &rest); word != nullptr; word = strtok_r(nullptr, ",", &rest)) {
        if (plan.type_count == most_types) misuse(word);
        plan.types[plan.type_count++] = static_cast<std::uint16_t>(number(word, 0xffff));
    }
    if (plan.type_count == 0) misuse("--ethertypes");
}

bool is_flag(const char* word, Plan& plan) {
    if (std::strcmp(word, "--rarp") == 0) return plan.is_rarp = true;
    if (std::strcmp(word, "--own-mac") == 0) return plan.has_own_mac = true;
    if (std::strcmp(word, "--into-wall") == 0) return plan.is_into_wall = true;
    if (std::strcmp(word, "--through-tap") == 0) return plan.is_tap = true;
    return false;
}

void take_option(const char* word, char* value, Plan& plan) {
    if (std::strcmp(word, "--count") == 0) {
        plan.count = number(value, 1UL << 40U);
    } else if (std::strcmp(word, "--macs") == 0) {
        plan.macs = number(value, 1UL << 40U);
        if (plan.macs == 0) misuse(word);
    } else if (std::strcmp(word, "--seed") == 0) {
        plan.seed = number(value, ~0UL);
    } else if (std::strcmp(word, "--mac") == 0) {
        read_mac(value, plan.mac);
        plan.has_mac = true;
    } else if (std::strcmp(word, "--to") == 0) {
        read_mac(value, plan.to);
    } else if (std::strcmp(word, "--ethertypes") == 0) {
        read_types(value, plan);
    } else if (std::strcmp(word, "--arp-for") == 0) {
        if (inet_pton(AF_INET, value, &plan.arp_for) != 1) misuse(value);
        plan.is_arp = true;
    } else if (std::strcmp(word, "--vlan") == 0) {
        plan.vlan = static_cast<long>(number(value, 4095));
    } else if (std::strcmp(word, "--rate") == 0) {
        plan.rate = number(value, 1'000'000);
    } else if (std::strcmp(word, "--size") == 0) {
        plan.size = number(value, longest_frame);
        if (plan.size < 60) misuse(value);
    } else {
        misuse(word);
    }
}

Plan read_plan(int argc, char** argv) {
    Plan plan;
    for (int i = 1; i < argc; ++i) {
        if (argv[i][0] != '-' && plan.device == nullptr) {
            plan.device = argv[i];
        } else if (!is_flag(argv[i], plan)) {
            if (i + 1 == argc) misuse(argv[i]);
            take_option(argv[i], argv[i + 1], plan);
            ++i;
        }
    }
    if (plan.device == nullptr) misuse("DEV");
    return plan;
}

// The same MAC for the same index: the first octet says "locally administered".
void make_up_mac(std::uint64_t seed, std::uint64_t index, std::uint8_t* mac) {
    std::uint64_t state = seed + index * 0x2545f4914f6cdd1dU;
    const auto bits = next(state);
    mac[0] = 0x02;
    for (int i = 1; i < 6; ++i) mac[i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

void put16(std::uint8_t* at, unsigned value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

// ARP: "ADDRESS is at my MAC". RARP: as QEMU announces a guest after a migration.
void put_arp(std::uint8_t* body, const Plan& plan, const std::uint8_t* source) {
    put16(body, 1);
    put16(body + 2, 0x0800);
    body[4] = 6;
    body[5] = 4;
    put16(body + 6, plan.is_arp ? 1 : 3);
    std::memcpy(body + 8, source, 6);
    std::memcpy(body + 14, &plan.arp_for, 4);
    std::memcpy(body + 18, source, 6);
    std::memcpy(body + 24, &plan.arp_for, 4);
}

std::uint16_t choose_type(const Plan& plan, std::uint64_t index, std::uint64_t& state) {
    if (plan.is_arp) return type_arp;
    if (plan.is_rarp) return type_rarp;
    if (!plan.has_all_types) return plan.types[index % plan.type_count];
    const auto bits = next(state);
    if (bits % 16 == 0) return static_cast<std::uint16_t>(plan.size - ETH_HLEN);  // 802.3: LLC follows
    return static_cast<std::uint16_t>(0x0600 + (bits >> 8U) % (0x10000 - 0x0600));
}

std::size_t make_frame(const Plan& plan, std::uint64_t index, std::uint64_t& state, std::uint8_t* frame) {
    std::memset(frame, 0, longest_frame + 4);
    std::memcpy(frame, plan.to, 6);
    if (plan.has_mac || plan.has_own_mac) {
        std::memcpy(frame + 6, plan.mac, 6);
    } else {
        make_up_mac(plan.seed, index % plan.macs, frame + 6);
    }
    auto* at = frame + 12;
    if (plan.vlan >= 0) {
        put16(at, 0x8100);
        put16(at + 2, static_cast<unsigned>(plan.vlan));
        at += 4;
    }
    put16(at, choose_type(plan, index, state));
    at += 2;
    if (plan.is_arp || plan.is_rarp) {
        put_arp(at, plan, frame + 6);
    } else {
        for (std::size_t i = 0; i + ETH_HLEN < plan.size; ++i) at[i] = static_cast<std::uint8_t>(next(state));
    }
    return plan.size + static_cast<std::size_t>(at - frame) - ETH_HLEN;
}

int open_socket(Plan& plan) {
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (socket < 0) give_up("AF_PACKET");
    ifreq request{};
    std::strncpy(request.ifr_name, plan.device, IFNAMSIZ - 1);
    if (::ioctl(socket, SIOCGIFHWADDR, &request) != 0) give_up(plan.device);
    if (plan.has_own_mac) std::memcpy(plan.mac, request.ifr_hwaddr.sa_data, 6);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_ifindex = static_cast<int>(if_nametoindex(plan.device));
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) give_up("bind");
    return socket;
}

int open_tap(const Plan& plan) {
    const int tap = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tap < 0) give_up("/dev/net/tun");
    ifreq request{};
    std::strncpy(request.ifr_name, plan.device, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (::ioctl(tap, TUNSETIFF, &request) != 0) give_up(plan.device);
    return tap;
}

void wait_for(const Plan& plan, unsigned long sent, const timespec& begin) {
    if (plan.rate == 0) return;
    timespec until = begin;
    until.tv_sec += static_cast<time_t>(sent / plan.rate);
    until.tv_nsec += static_cast<long>(sent % plan.rate * 1'000'000'000UL / plan.rate);
    if (until.tv_nsec >= 1'000'000'000) {
        until.tv_nsec -= 1'000'000'000;
        ++until.tv_sec;
    }
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// A full queue is no loss: the kernel said so, and takes the frame later. A guard at the device's egress says the same.
bool send_frame(int file, const std::uint8_t* frame, std::size_t size, const Plan& plan) {
    for (int i = 0; i < 10'000; ++i) {
        if (::write(file, frame, size) == static_cast<ssize_t>(size)) return true;
        if (errno == ENOBUFS && plan.is_into_wall) return true;
        if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) return false;
        ::usleep(100);
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    auto plan = read_plan(argc, argv);
    const int file = plan.is_tap ? open_tap(plan) : open_socket(plan);
    timespec begin{};
    ::clock_gettime(CLOCK_MONOTONIC, &begin);
    auto state = plan.seed;
    unsigned long sent = 0;
    std::uint8_t frame[longest_frame + 4];
    for (; sent < plan.count; ++sent) {
        wait_for(plan, sent, begin);
        const auto size = make_frame(plan, sent, state, frame);
        if (!send_frame(file, frame, size, plan)) break;
    }
    const int error = errno;
    std::printf("sent %lu\n", sent);
    std::fflush(stdout);
    errno = error;
    if (sent < plan.count) give_up("send");
    return 0;
}
