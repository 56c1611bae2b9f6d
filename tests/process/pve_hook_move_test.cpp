// Offline migration and HA recovery: the config came here, the address has not yet. And what must never hold a start
// up.
#include "pve_hook_host.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <thread>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto mac = "52:54:00:00:00:05";

/// A VM whose address is routed to another server: with a lease that is away, or unknown to this node's store.
struct Arrived : PveHookHost {
    explicit Arrived(bool has_lease) {
        ProviderAddress there;
        there.address = Address::parse("203.0.113.5");
        there.server = "192.0.2.99";
        there.mac = Mac::parse(mac);
        store().write([&](Rows& rows) { rows.provider.replace("dedibox", {there}); });
        auto away = vm_lease();
        away.state = LeaseState::away;
        away.stay = Stay::left;
        if (has_lease) put(away);
        write_vm(vm_config({vm_net(mac)}));
    }
    void move_here() const {
        put(vm_lease());
        provide({{"203.0.113.5", mac}});
    }
};

/// Nobody else may so much as read the store while it lives.
class HeldStore {
public:
    explicit HeldStore(const CliHost& host) {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(host.store_file().c_str(), &database) == SQLITE_OK);
        database_.reset(database);
        REQUIRE(sqlite3_exec(database,
                             "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE held (x); COMMIT", nullptr,
                             nullptr, nullptr) == SQLITE_OK);
    }

private:
    struct Closed {
        void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
    };
    std::unique_ptr<sqlite3, Closed> database_;
};

void set_deadline(const CliHost& host, const std::string& time) {
    host.configure("[hook]\ndeadline = \"" + time + "\"\n" + read_file(host.path("etc/config.toml")));
}

}  // namespace

TEST_CASE("a VM that came here starts as soon as its address is here, and says so", "[pve]") {
    const bool has_lease = GENERATE(true, false);
    const Arrived host{has_lease};
    set_deadline(host, "20s");
    const auto watcher = host.watcher();
    std::thread mover{[&] {
        if (wait_until([&] { return !watcher.requests().empty(); }, 20s)) host.move_here();
    }};
    const auto result = host.start();
    mover.join();
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
    CHECK(result.err == "failover-ip: web1 (100): its address was moved to this server\n");
    CHECK(watcher.requests() == std::vector<std::string>{"starting 100"});
}

TEST_CASE("a VM whose address is not moved in time starts behind the guard only", "[pve]") {
    const Arrived host{GENERATE(true, false)};
    host.shorten_deadline();
    const auto watcher = host.watcher();
    const auto text = host.vm();
    auto begin = Clock::now();
    check_refused(host.start(), "203.0.113.5 is not routed to this server yet: try again (the guard of br0 is not up");
    CHECK(Clock::now() - begin >= 900ms);
    host.guard_up();
    begin = Clock::now();
    const auto result = host.start();
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.err, Contains("the guard holds its frames until it is"));
    CHECK(host.vm() == text);
    CHECK(host.has_queued_nothing());
}

TEST_CASE("without a watcher a VM that came here does not wait", "[pve]") {
    const Arrived host{true};
    set_deadline(host, "20s");
    auto begin = Clock::now();
    check_refused(host.start(), "systemctl start failover-ip-proxmox");
    const auto watcher = host.watcher(CliDaemon::Manner::stays_silent);
    check_refused(host.start(), "systemctl start failover-ip-proxmox");
    host.guard_up();
    const auto result = host.start();
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.err, Contains("systemctl start failover-ip-proxmox") && Contains("the guard holds its frames"));
    CHECK(Clock::now() - begin < 15s);
}

TEST_CASE("no start is held longer than the deadline by a store that somebody holds", "[pve]") {
    const PveHookHost host;
    set_deadline(host, "300ms");
    host.write_vm(vm_config({vm_net(mac)}));
    host.put(vm_lease());
    const HeldStore held{host};
    const auto begin = Clock::now();
    check_refused(host.start(),
                  "web1 (100) may not start: it could not be checked within the time of hook.deadline; try again");
    CHECK(Clock::now() - begin < 5s);
}

TEST_CASE("with the store held for a second a VM starts if the kernel's set has its MAC", "[pve]") {
    const PveHookHost host;
    host.put(vm_lease());
    host.provide({{"203.0.113.5", mac}});
    host.store().write([](Rows& rows) {
        rows.guard.replace("dedibox", {{Mac::parse(mac), {Address::parse("203.0.113.5")}, std::nullopt}});
    });
    host.guard_up();
    set_deadline(host, "20s");
    const HeldStore held{host};
    host.write_vm(vm_config({vm_net(mac)}));
    check_silent(host.start());
    host.write_vm(vm_config({vm_net(random_mac)}));
    check_refused(host.start(), "the lease store is locked");
    CHECK(host.vm() == vm_config({vm_net(random_mac)}));
}

TEST_CASE("no start is held longer than the deadline by a provider that hangs after a boot", "[pve]") {
    const PveHookHost host;
    host.shorten_deadline();
    host.boot("22222222-2222-4222-8222-222222222222");
    host.put_beside("failover-ip-provider",
                    "#!/bin/bash\necho $$ >" + host.path("pid") + "\necho noise; echo noise >&2\nexec sleep 1000\n");
    host.put(vm_lease());
    host.write_vm(vm_config({vm_net(mac)}));
    const auto begin = Clock::now();
    check_silent(host.start());
    CHECK(Clock::now() - begin < 10s);
    const auto helper = "/proc/" + std::to_string(std::stoi(read_file(host.path("pid"))));
    CHECK(wait_until([&] { return !std::filesystem::exists(helper); }, 20s));
}

TEST_CASE("no start is held longer than the deadline by a watcher that takes and never answers", "[pve]") {
    if (is_proxmox_node()) return;
    const PveHookHost host;
    host.shorten_deadline();
    const auto watcher = host.watcher(CliDaemon::Manner::stays_silent);
    host.write_vm(vm_config({vm_net(random_mac)}));
    const auto begin = Clock::now();
    // With an address in stock nobody has to answer.
    check_refused(host.start(), "another one is queued");
    CHECK(Clock::now() - begin < 10s);
    CHECK_THAT(host.queued(), Contains("qm start 100"));
}

TEST_CASE("no start is held longer than the deadline by an nft that hangs", "[pve]") {
    const PveHookHost host;
    host.guard_up();
    set_deadline(host, "700ms");
    write_file(host.path("nft"), "#!/bin/bash\nexec sleep 1000\n");
    std::filesystem::permissions(host.path("nft"), std::filesystem::perms::owner_all);
    host.write_vm(vm_config({vm_net(random_mac)}, "lock: backup\n"));
    const auto begin = Clock::now();
    check_refused(host.start(), "web1 (100) may not start");
    CHECK(Clock::now() - begin < 10s);
}
