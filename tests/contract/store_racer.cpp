// A process of its own for the store's tests: they start several, let them race, and kill them.
#include "core/errors.hpp"
#include "store/sqlite_lease_store.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace fip;

constexpr std::chrono::seconds patience{30};

int number(const std::string& text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Two processes meet here before each round: rounds reached, by player.
struct Meeting {
    std::atomic<int> reached[2];
};

Meeting& meeting_in(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    void* memory = ::mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) throw InputError{"no meeting place in " + file};
    ::close(descriptor);
    return *static_cast<Meeting*>(memory);
}

/// race FILE PLAYER ROUNDS MEETING: in each round claim the only address of provider "r<round>". Prints the wins.
int race(const std::vector<std::string>& args) {
    store::SqliteLeaseStore store{args.at(0), patience, store::Access::existing};
    const int player = number(args.at(1));
    const int rounds = number(args.at(2));
    Meeting& meeting = meeting_in(args.at(3));
    int wins = 0;
    for (int round = 1; round <= rounds; ++round) {
        meeting.reached[player] = round;
        while (meeting.reached[1 - player] < round) ::sched_yield();
        store.write([&](Rows& rows) {
            rows.provider.candidates("r" + std::to_string(round), [&](const Candidate& candidate) {
                Lease lease;
                lease.address = candidate.facts.address;
                lease.guest = GuestId{GuestKind::libvirt, "player " + std::to_string(player)};
                lease.slot = std::to_string(round);
                rows.leases.put(lease);
                ++wins;
                return false;
            });
        });
    }
    std::printf("%d\n", wins);
    return 0;
}

/// fill FILE: transaction n adds two leases and sets the value "n"; prints n when it is committed. Until killed.
int fill(const std::vector<std::string>& args) {
    store::SqliteLeaseStore store{args.at(0), patience, store::Access::create};
    for (;;) {
        int n = 0;
        store.write([&](Rows& rows) {
            n = number(rows.guests.value("n")) + 1;
            for (const int half : {0, 1}) {
                Lease lease;
                lease.address = Address::parse("10." + std::to_string(half) + "." + std::to_string(n / 250) + "." +
                                               std::to_string(n % 250));
                lease.hostname.assign(200, 'h');
                rows.leases.put(lease);
            }
            rows.guests.set_value("n", std::to_string(n));
        });
        const std::string line = std::to_string(n) + "\n";
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
    }
}

/// create FILE: make the store, or find it made.
int create(const std::vector<std::string>& args) {
    store::SqliteLeaseStore store{args.at(0), patience, store::Access::create};
    store.write([](Rows& rows) { rows.guests.set_value("n", std::to_string(number(rows.guests.value("n")) + 1)); });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::string verb = argc > 1 ? argv[1] : "";
        const std::vector<std::string> args(argv + std::min(argc, 2), argv + argc);
        if (verb == "race") return race(args);
        if (verb == "fill") return fill(args);
        if (verb == "create") return create(args);
        std::fputs("usage: store_racer race|fill|create FILE...\n", stderr);
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "store_racer: %s\n", error.what());
        return 1;
    }
}
