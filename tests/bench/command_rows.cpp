// Our command line against CNI's host-local plugin: both are programs that are executed per address.
#include "leases.hpp"
#include "measure.hpp"
#include "plan.hpp"
#include "private_root.hpp"
#include "store/sqlite_lease_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <vector>

namespace fip::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto range = "198.18.0.0/16";
constexpr auto network = "bench";
constexpr auto common_variables = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

// Both keep their state in /var/lib/failover-ip, which is memory in here.
const fs::path memory = "/var/lib/failover-ip";

class Ours {
public:
    Ours(const Plan& plan, std::uint32_t held)
        : program_{plan.program("failover-ip")},
          config_{"/etc/failover-ip/" + std::to_string(held) + ".toml"},
          store_{memory / ("ours" + std::to_string(held)) / "leases.db"} {
        std::ofstream{config_} << fmt::format(
            "[store]\nurl = \"sqlite:{}\"\n\n[providers.own]\ntype = \"manual\"\naddresses = [\"{}\"]\n\n"
            "[pools.public]\nprovider = \"own\"\nbridges = [\"br0\"]\ncooldown = \"0s\"\n",
            store_.native(), range);
        const auto first = acquire("first").out;
        hold(Address::parse(first.substr(0, first.find(' '))), held);
        release(first);
    }

    Duration acquire_and_release() {
        const auto acquired = acquire("web1");
        return acquired.time + release(acquired.out);
    }

private:
    Program::Run acquire(const std::string& guest) const {
        return call({program_, "--config", config_, "lease", "acquire", "--guest", guest});
    }
    Duration release(const std::string& line) const {
        return call({program_, "--config", config_, "lease", "release", line.substr(0, line.find(' '))}).time;
    }
    static Program::Run call(const std::vector<std::string>& arguments) {
        return Program{arguments, {common_variables}, ""}.run();
    }

    void hold(const Address& pattern, std::uint32_t count) const {
        std::optional<Lease> lease;
        const store::SqliteLeaseStore store{store_, 1s, store::Access::read_only};
        store.read([&](const Rows& rows) { lease = rows.leases.find(pattern); });
        add_reservations(store_, lease.value(), count);
    }

    std::string program_;
    std::string config_;
    fs::path store_;
};

class HostLocal {
public:
    explicit HostLocal(std::uint32_t held)
        : folder_{memory / ("host-local" + std::to_string(held))},
          input_{fmt::format(R"({{"cniVersion":"1.0.0","name":"{}","type":"bench","ipam":{{"type":"host-local",)"
                             R"("dataDir":"{}","ranges":[[{{"subnet":"{}"}}]]}}}})",
                             network, folder_.native(), range)},
          add_{{find()}, variables("ADD"), input_},
          del_{{find()}, variables("DEL"), input_} {
        hold(held);
    }

    Duration add_and_delete() const {
        const auto added = add_.run();
        if (added.out.find("198.18.") == std::string::npos) throw std::runtime_error{"host-local: " + added.out};
        return added.time + del_.run().time;
    }

private:
    static std::string find() {
        for (const auto* name : {"/usr/lib/cni/host-local", "/opt/cni/bin/host-local"}) {
            if (fs::exists(name)) return name;
        }
        throw std::runtime_error{"host-local is not there: apt-get install containernetworking-plugins"};
    }
    static std::vector<std::string> variables(const std::string& command) {
        return {common_variables,  "CNI_COMMAND=" + command, "CNI_CONTAINERID=web1", "CNI_NETNS=/proc/self/ns/net",
                "CNI_IFNAME=eth0", "CNI_PATH=/usr/lib/cni"};
    }

    // As it keeps them itself: a file per address that names container and interface, and the last one given.
    void hold(std::uint32_t count) const {
        const auto folder = folder_ / network;
        fs::create_directories(folder);
        auto address = Address::parse("198.18.0.1");
        for (std::uint32_t i = 0; i < count; ++i) {
            address = address.next().value();
            std::ofstream{folder / address.text()} << "held" << i << "\r\neth0";
        }
        if (count > 0) std::ofstream{folder / "last_reserved_ip.0"} << address.text();
    }

    fs::path folder_;
    std::string input_;
    Program add_;
    Program del_;
};

struct Pair {
    std::uint32_t held;
    Ours ours;
    HostLocal theirs;
    Candidate our_time{[this] { return ours.acquire_and_release(); }};
    Candidate their_time{[this] { return theirs.add_and_delete(); }};

    Pair(const Plan& plan, std::uint32_t count) : held{count}, ours{plan, count}, theirs{count} {}
};

void measure(Pair& pair, int rounds) {
    // With many addresses host-local works for seconds, in many threads: too long to push all others aside.
    std::optional<Undisturbed> first;
    if (pair.held <= 1'000) first.emplace();
    alternate({&pair.our_time, &pair.their_time}, rounds);
}

}  // namespace

void measure_commands(const Plan& plan, Report& report) {
    const PrivateRoot root;
    for (const std::uint32_t held : {0U, 1'000U, 10'000U}) {
        tell(fmt::format("commands: {} addresses held", held));
        Pair pair{plan, held};
        measure(pair, plan.rounds(200));
        Row row{"commands",
                fmt::format("lease acquire + release, {} held", pair.held),
                "ms",
                pair.our_time.median_ms(),
                "host-local ADD + DEL",
                pair.their_time.median_ms()};
        row.limit = pair.held == 1'000 ? Row::Limit::none : Row::Limit::ratio;
        row.most = pair.held == 0 ? 1 : 0.05;
        report.rows.push_back(row);
    }
}

}  // namespace fip::bench
