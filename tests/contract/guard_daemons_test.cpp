// One or two daemons' guard threads in one network namespace.
#include "daemon/guard_worker.hpp"
#include "guard/generation.hpp"
#include "guard/nft_program.hpp"
#include "guard_ground.hpp"
#include "store/sqlite_lease_store.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

/// Where this program's stderr goes meanwhile.
class StderrFile {
public:
    explicit StderrFile(std::string file) : file_{std::move(file)}, before_{::dup(STDERR_FILENO)} {
        const int opened = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(opened, STDERR_FILENO);
        ::close(opened);
    }
    ~StderrFile() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
    }
    StderrFile(const StderrFile&) = delete;
    StderrFile& operator=(const StderrFile&) = delete;
    [[nodiscard]] std::string text() const {
        std::ifstream file{file_};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

private:
    std::string file_;
    int before_;
};

// As two processes have them: nothing is shared but the files and the kernel.
struct GuardDaemon {
    explicit GuardDaemon(const std::filesystem::path& config)
        : setup{daemon::load_setup(config)}, guard{setup}, worker{setup, guard, [](const std::exception_ptr&) {}} {}
    std::shared_ptr<const daemon::Setup> setup;
    daemon::SharedGuard guard;
    daemon::GuardWorker worker;
};

struct Daemons {
    GuardGround ground;
    TempDir dir;
    std::optional<GuardDaemon> first;
    std::optional<GuardDaemon> second;

    /// One, at rest.
    explicit Daemons(const std::string& interval) {
        configure(interval, "enforce");
        first.emplace(dir / "config.toml");
        REQUIRE(wait_until(stands, 20s));
        quiet();
    }

    void configure(const std::string& interval, const std::string& mode) const {
        std::ofstream{dir / "config.toml"} << R"([providers.hand]
type = "manual"
server = "hv1"
addresses = [{ address = "192.0.2.10", mac = ")" + web_mac +
                                                  R"(" }]

[pools.public]
provider = "hand"
bridges = ["br0"]
uplinks = ["up0"]
guard = ")" + mode + R"("

[store]
url = "sqlite:)" + (dir / "leases.db") + R"("

[reconcile]
interval = ")" + interval + R"("
)";
    }

    static bool stands() {
        const auto list = run({.argv = {"nft", "list", "set", "bridge", "failover_ip", "registered"}});
        return list.exit_code == 0 && list.out.find(web_mac) != std::string::npos;
    }
    static std::uint32_t writes() { return guard::ruleset_generation().value(); }
    /// Until nobody has written for longer than the workers' own pauses.
    static void quiet() {
        auto last = writes();
        auto since = std::chrono::steady_clock::now();
        const auto is_quiet = [&] {
            if (const auto now = writes(); now != last) {
                last = now;
                since = std::chrono::steady_clock::now();
            }
            return std::chrono::steady_clock::now() - since > 4s;
        };
        REQUIRE(wait_until(is_quiet, 30s));
    }
    [[nodiscard]] std::optional<BlockedSender> sender(const std::string& mac) const {
        std::optional<BlockedSender> found;
        const store::SqliteLeaseStore store{dir / "leases.db", 5s, store::Access::existing};
        store.read([&](const Rows& rows) {
            for (const auto& sender : rows.guard.senders()) {
                if (sender.mac.text() == mac) found = sender;
            }
        });
        return found;
    }
    [[nodiscard]] bool knows_sender(const std::string& mac) const { return sender(mac).has_value(); }
};

struct TwoDaemons : Daemons {
    TwoDaemons() : Daemons{"1h"} {
        second.emplace(dir / "config.toml");
        quiet();
    }
};

/// A foreign change that no watch hears of.
void delete_unheard(Daemons& daemons) {
    static_cast<void>(daemons.first->guard.writes()->during([] {
        GuardGround::nft({"delete", "table", "bridge", "failover_ip"});
        return guard::NftReply{.is_done = true};
    }));
}

}  // namespace

TEST_CASE("what the guard was not told of is undone at the next comparison") {
    Daemons daemons{"2s"};
    delete_unheard(daemons);
    CHECK_FALSE(Daemons::stands());
    CHECK(wait_until(Daemons::stands, 5s));
}

TEST_CASE("a comparison costs nothing where nobody has changed a rule") {
    Daemons daemons{"1s"};
    const auto before = Daemons::writes();
    std::this_thread::sleep_for(3s);
    CHECK(Daemons::writes() == before);
}

TEST_CASE("another MAC in the place of one is undone, also just after a change that broke nothing") {
    Daemons daemons{"1h"};
    const auto before = Daemons::writes();
    GuardGround::nft({"add", "chain", "bridge", "failover_ip", "more"});
    REQUIRE(wait_until([&] { return Daemons::writes() == before + 2; }, 5s));  // all was written again
    const std::string set = " element bridge failover_ip registered { up0 . ";
    GuardGround::nft({"-f", "-"}, "delete" + set + web_mac + " }\nadd" + set + "02:00:00:00:66:66 }\n");
    REQUIRE_FALSE(Daemons::stands());
    CHECK(wait_until(Daemons::stands, 6s));
}

TEST_CASE("what was noted before a boot is not taken for what a neighbour writes after it") {
    GuardGround ground;
    TempDir dir;
    const auto own = std::make_shared<guard::OwnWrites>();
    daemon::GuardTurns turns{dir.path(), own};
    const auto next = guard::ruleset_generation().value() + 1;
    std::vector<std::uint32_t> noted(64);
    noted[(next + 1) % noted.size()] = next + 1;
    std::ofstream{dir / "guard.writes", std::ios::binary}.write(
        reinterpret_cast<const char*>(noted.data()), static_cast<std::streamsize>(noted.size() * sizeof(next)));
    REQUIRE(turns.made(next + 1));
    {
        const auto turn = turns.hold_guard();
        guard::NftGuard{own}.apply({rules_of_up0()});
    }
    CHECK(turns.made(next));
    CHECK_FALSE(turns.made(next + 1));
}

TEST_CASE("what one daemon has counted makes the other one write nothing") {
    TwoDaemons two;
    GuardGround::ip("link set up0 mtu 1400");  // a device that is heard of for the first time has all written again
    TwoDaemons::quiet();
    const auto before = TwoDaemons::writes();
    static_cast<void>(two.ground.leaves(udp4("02:00:00:00:66:01", "192.0.2.77")));
    REQUIRE(wait_until([&] { return TwoDaemons::writes() != before; }, 20s));  // its counter begins anew
    TwoDaemons::quiet();
    CHECK(TwoDaemons::writes() == before + 1);
}

TEST_CASE("of two daemons none undoes what the other has put back") {
    TwoDaemons two;
    const auto before = TwoDaemons::writes();
    GuardGround::nft({"delete", "table", "bridge", "failover_ip"});
    CHECK(wait_until(TwoDaemons::stands, 20s));
    TwoDaemons::quiet();
    CHECK(TwoDaemons::stands());
    CHECK(TwoDaemons::writes() - before <= 8);  // the deletion is one of them
}

TEST_CASE("what one daemon writes the other does not take for somebody else's doing") {
    TwoDaemons two;
    const StderrFile log{two.dir / "log"};
    daemon::Workplace place{two.first->setup};
    const auto context = place.context();
    for (int i = 11; i < 61; ++i) {
        context.store.write([&](Rows& rows) {
            Lease lease;
            lease.address = Address::parse("192.0.2." + std::to_string(i));
            lease.provider = "hand";
            lease.pool = "public";
            lease.state = LeaseState::active;
            lease.mac = Mac::parse("02:00:00:00:02:" + std::to_string(i));
            rows.leases.put(lease);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds{i});  // the other one looks between store and kernel
        static_cast<void>(two.first->guard.refresh(context, GuardKeeper::Depth::changes));
    }
    TwoDaemons::quiet();
    CHECK_THAT(log.text(), !Catch::Contains("guard-restored"));
    GuardGround::nft({"delete", "table", "bridge", "failover_ip"});
    CHECK(wait_until([&] { return log.text().find("guard-restored") != std::string::npos; }, 20s));
}

TEST_CASE("when the daemon that hears of blocked frames has gone, the other one hears of them") {
    TwoDaemons two;
    static_cast<void>(two.ground.leaves(udp4("02:00:00:00:66:01", "192.0.2.77")));
    REQUIRE(wait_until([&] { return two.knows_sender("02:00:00:00:66:01"); }, 20s));
    two.first.reset();
    int tries = 0;
    const auto is_heard = [&] {
        // Each MAC is told of once in a while: a new one each time.
        const auto mac = "02:00:00:00:67:" + std::to_string(10 + ++tries);
        static_cast<void>(two.ground.leaves(udp4(mac, "192.0.2.77")));
        return wait_until([&] { return two.knows_sender(mac); }, 2s);
    };
    CHECK(wait_until(is_heard, 60s));
}

TEST_CASE("who was stopped before a daemon ran is logged once when it does") {
    Daemons daemons{"1s"};
    daemons.first.reset();
    const std::string mac = "02:00:00:00:66:02";
    REQUIRE_FALSE(daemons.ground.leaves(udp4(mac, "192.0.2.77")));
    const StderrFile log{daemons.dir / "log"};
    daemons.first.emplace(daemons.dir / "config.toml");
    CHECK(wait_until([&] { return log.text().find(mac) != std::string::npos; }, 10s));
    REQUIRE_FALSE(daemons.ground.leaves(udp4(mac, "192.0.2.77")));
    CHECK(wait_until([&] { return daemons.sender(mac)->frames >= 2; }, 10s));
    const auto text = log.text();
    CHECK_THAT(text, Catch::Contains("guard-blocked"));
    CHECK(text.find(mac) == text.rfind(mac));
}

TEST_CASE("what was stopped is still counted when the configuration no longer wants a guard") {
    Daemons daemons{"1h"};
    const std::string mac = "02:00:00:00:66:03";
    REQUIRE_FALSE(daemons.ground.leaves(udp4(mac, "192.0.2.77")));
    daemons.configure("1h", "off");
    const auto setup = daemon::load_setup(daemons.dir / "config.toml");
    daemons.first->guard.use(setup);
    daemons.first->worker.use(setup);
    REQUIRE(wait_until([] { return !Daemons::stands(); }, 20s));
    REQUIRE(daemons.sender(mac));
    CHECK(daemons.sender(mac)->frames == 1);
}
