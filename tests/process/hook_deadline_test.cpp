#include "hook_guest.hpp"
#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto mac = "52:54:00:00:00:05";
using Clock = std::chrono::steady_clock;

/// A host with a provider that has an API, whose helper is ours to write.
struct Booted : CliHost {
    std::string hook = bring("failover-ip-hook");

    explicit Booted(const std::string& read_at_boot) {
        configure("[hook]\ndeadline = \"1500ms\"\n" + online_config());
        put(active_lease("203.0.113.5", mac, "dedibox"));
        boot("11111111-1111-4111-8111-111111111111");
        ProviderStatus status;
        status.synced_at = WallTime{std::chrono::milliseconds{1}};
        status.synced_boot = read_at_boot;
        store().write([&](Rows& rows) { rows.provider.set_status("dedibox", status); });
    }
    [[nodiscard]] Result prepare() const {
        return run({hook, "web1", "prepare", "begin", "-"}, domain_with(bridge_nic(mac)));
    }
};

constexpr auto this_boot = "11111111-1111-4111-8111-111111111111";
constexpr auto last_boot = "00000000-0000-4000-8000-000000000000";

}  // namespace

TEST_CASE("a hook whose stdin never ends lets the guest go on when its time is over", "[hook]") {
    const CliHost host;
    host.configure("[hook]\ndeadline = \"500ms\"\n" + manual_config());
    const auto fifo = host.path("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const int open_end = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(open_end >= 0);
    const auto begin = Clock::now();
    const auto result =
        host.run({"/bin/bash", "-c", "exec \"$0\" web1 prepare begin - <\"$1\"", host.bring("failover-ip-hook"), fifo});
    ::close(open_end);
    CHECK(result.exit_code == 0);
    CHECK(Clock::now() - begin >= 450ms);
    CHECK(Clock::now() - begin < 3s);
}

TEST_CASE("after a boot the provider is read once before a guest starts", "[hook]") {
    const Booted host{last_boot};
    host.put_beside("failover-ip-provider", "#!/bin/bash\necho \"$@\" >>" + host.path("calls") + "\n");
    CHECK(host.prepare().exit_code == 0);
    CHECK_THAT(read_file(host.path("calls")), StartsWith("sync --provider dedibox --limit "));
}

TEST_CASE("in a boot that saw a read the provider is not asked", "[hook]") {
    const Booted host{this_boot};
    host.put_beside("failover-ip-provider", "#!/bin/bash\ntouch " + host.path("calls") + "\n");
    CHECK(host.prepare().exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(host.path("calls")));
}

TEST_CASE("a provider that was asked in vain a moment ago is not asked again", "[hook]") {
    const Booted host{last_boot};
    host.store().write([](Rows& rows) {
        auto status = rows.provider.status("dedibox");
        status.backoff_until =
            std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) + 60s;
        rows.provider.set_status("dedibox", status);
    });
    host.put_beside("failover-ip-provider", "#!/bin/bash\ntouch " + host.path("calls") + "\n");
    CHECK(host.prepare().exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(host.path("calls")));
}

TEST_CASE("a known guest starts when the provider hangs after a boot, within the deadline", "[hook]") {
    const Booted host{last_boot};
    host.put_beside("failover-ip-provider",
                    "#!/bin/bash\necho $$ >" + host.path("pid") + "\necho noise; echo noise >&2\nexec sleep 1000\n");
    const auto begin = Clock::now();
    const auto result = host.prepare();
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.empty());
    CHECK(Clock::now() - begin < 1500ms);
    const auto helper = "/proc/" + std::to_string(std::stoi(read_file(host.path("pid"))));
    CHECK(wait_until([&] { return !std::filesystem::exists(helper); }, 2s));
}

TEST_CASE("a known guest starts after a boot when there is no helper, or a broken one", "[hook]") {
    const Booted host{last_boot};
    CHECK(host.prepare().exit_code == 0);
    host.put_beside("failover-ip-provider", "#!/no/such/shell\n");
    CHECK(host.prepare().exit_code == 0);
    host.put_beside("failover-ip-provider", "#!/bin/bash\nkill -SEGV $$\n");
    CHECK(host.prepare().exit_code == 0);
}

TEST_CASE("a guest on a managed bridge is refused when the check takes too long", "[hook]") {
    const CliHost host;
    host.configure("[hook]\ndeadline = \"300ms\"\n" + manual_config());
    host.put(active_lease("203.0.113.5", mac));
    sqlite3* holder = nullptr;  // the store is waited for a second: longer than the deadline
    REQUIRE(sqlite3_open(host.store_file().c_str(), &holder) == SQLITE_OK);
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closed{holder, sqlite3_close};
    REQUIRE(sqlite3_exec(holder, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE held (x); COMMIT",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    const auto begin = Clock::now();
    const auto result = call_hook(host, "prepare", domain_with(bridge_nic(mac)));
    CHECK(Clock::now() - begin < 900ms);
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(result.err ==
          "failover-ip: web1 may not start: it could not be checked within the time of hook.deadline; try again\n");
}
