// What the guard in the kernel means for a start.
#include "late_host.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <memory>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

constexpr auto good_mac = "52:54:00:00:00:05";

/// A guest with a good lease, whose MAC is in the kernel's set; and a free address.
struct Guarded : LateHost {
    explicit Guarded(const std::string& more_of_pool = "") : LateHost{more_of_pool} {
        put(active_lease("203.0.113.5", good_mac, "dedibox"));
        provide({{"203.0.113.1", "52:54:00:00:00:01"}, {"203.0.113.5", good_mac}});
        store().write([](Rows& rows) {
            rows.guard.replace("dedibox", {{Mac::parse(good_mac), {Address::parse("203.0.113.5")}, std::nullopt}});
        });
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

std::string guest_that_says(const std::string& request, const std::string& mac) {
    auto xml = domain_with(bridge_nic(mac));
    return xml.insert(xml.find("  <devices>"),
                      "  <metadata><request xmlns='urn:failover-ip:request:1' " + request + "/></metadata>\n");
}

void damage_the_store(const Guarded& host, const std::string& how) {
    for (const auto* end : {"", "-wal", "-shm"}) std::filesystem::remove(host.store_file() + end);
    if (how == "unreadable") write_file(host.store_file(), std::string(8192, 'x'));
}

}  // namespace

TEST_CASE("a saved image or a migration with an unknown MAC is refused, also behind the guard", "[hook][guard]") {
    const Guarded host;
    host.guard_up();
    const auto daemon = host.daemon();
    const auto xml = domain_with(bridge_nic(unknown_mac));
    REQUIRE(call_hook(host, "restore", xml).exit_code == 0);
    check_refuses(call_hook(host, "prepare", xml), "virsh managedsave-remove 'web1'");
    REQUIRE(call_hook(host, "migrate", xml).exit_code == 0);
    check_refuses(call_hook(host, "prepare", xml), "migration");
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
}

TEST_CASE("with on_wrong_mac = hold a saved image runs behind the guard, and only there", "[hook][guard]") {
    const Guarded host;
    host.configure("[libvirt]\non_wrong_mac = \"hold\"\n" + read_file(host.path("etc/config.toml")));
    const auto xml = domain_with(bridge_nic(unknown_mac));
    for (const auto* operation : {"restore", "migrate"}) {
        CAPTURE(operation);
        REQUIRE(call_hook(host, operation, xml).exit_code == 0);
        REQUIRE(host.run({"failover-ip", "guard", "down"}).exit_code == 0);
        check_refuses(call_hook(host, "prepare", xml), "failover-ip guard up");
        host.guard_up();
        REQUIRE(call_hook(host, operation, xml).exit_code == 0);
        check_passes(call_hook(host, "prepare", xml));
    }
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
}

TEST_CASE("a guest that asks to be left alone starts with an unknown MAC only behind the guard", "[hook][guard]") {
    const Guarded host;
    const auto xml = guest_that_says("enabled='no'", unknown_mac);
    check_refuses(call_hook(host, "prepare", xml), "failover-ip guard up");
    host.guard_up();
    check_passes(call_hook(host, "prepare", xml));
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
}

TEST_CASE("a guard that only observes, or is off, lets no unknown MAC start", "[hook][guard]") {
    const std::string mode = GENERATE("observe", "off");
    const Guarded host{"guard = \"" + mode + "\"\n"};
    host.guard_up();
    const auto daemon = host.daemon();
    check_refuses(start_with(host, unknown_mac), "\"" + mode + "\"");
    check_refuses(call_hook(host, "prepare", guest_that_says("enabled='no'", unknown_mac)), "\"" + mode + "\"");
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);
}

TEST_CASE("a bridge whose uplink is not known lets no unknown MAC start, and says what to name", "[hook][guard]") {
    const Guarded host;
    host.configure(online_config());  // a veth is no uplink by itself
    const auto daemon = host.daemon();
    check_refuses(start_with(host, unknown_mac), "pools.*.uplinks");
    check_passes(start_with(host, good_mac));
}

TEST_CASE("a guard at what is no port of the bridge lets no unknown MAC start", "[hook][guard]") {
    const Guarded host;
    host.store().write([](Rows& rows) {
        auto status = rows.provider.status("dedibox");
        status.server_macs = {Mac::parse(host_mac)};
        rows.provider.set_status("dedibox", status);
    });
    host.configure(online_config() + "uplinks = [\"enp7s0\"]\n");
    const auto up = host.run({"failover-ip", "guard", "up"});
    CHECK(up.exit_code == 1);
    const auto daemon = host.daemon();
    check_refuses(start_with(host, unknown_mac), "enp7s0 is no port of br0");
    check_passes(start_with(host, good_mac));
}

TEST_CASE("of two bridges both must be guarded", "[hook][guard]") {
    const Guarded host;
    host.network.add_bridge("br1", "up1");
    const auto one_bridge = read_file(host.path("etc/config.toml"));
    const std::string second =
        "[pools.second]\nprovider = \"dedibox\"\nbridges = [\"br1\"]\naddresses = [\"203.0.113.8/29\"]\n"
        "uplinks = [\"up1\"]\n";
    host.configure(one_bridge + second + "guard = \"off\"\n");
    host.provide(
        {{"203.0.113.1", "52:54:00:00:00:01"}, {"203.0.113.5", good_mac}, {"203.0.113.9", "52:54:00:00:00:09"}});
    auto other = *host.find("203.0.113.9");
    other.pool = "second";
    host.put(other);
    host.guard_up();
    const auto daemon = host.daemon();
    const auto xml = domain_with(bridge_nic(unknown_mac) + bridge_nic("52:54:00:00:00:98", "br1"));
    check_refuses(call_hook(host, "prepare", xml), "br1");
    CHECK(host.find("203.0.113.1")->state == LeaseState::warm);

    host.configure(one_bridge + second);
    host.guard_up();
    check_passes(call_hook(host, "prepare", xml));
    CHECK(host.find("203.0.113.9")->guest_name == "web1");
}

TEST_CASE("without the store a guest starts if the kernel's set has its MAC, else not", "[hook][guard]") {
    const std::string how = GENERATE("missing", "unreadable");
    CAPTURE(how);
    const Guarded host;
    host.guard_up();
    damage_the_store(host, how);
    check_passes(start_with(host, good_mac));
    check_refuses(start_with(host, unknown_mac), "leases.db");
    check_refuses(call_hook(host, "prepare", domain_with(bridge_nic(good_mac) + bridge_nic(unknown_mac))), "leases.db");

    REQUIRE(host.network.nft({"delete", "table", "bridge", "failover_ip"}).exit_code == 0);
    check_refuses(start_with(host, good_mac), "leases.db");
}

TEST_CASE("with the store locked for a second a guest starts if the kernel's set has its MAC", "[hook][guard]") {
    const Guarded host;
    host.guard_up();
    const HeldStore held{host};
    const auto begin = std::chrono::steady_clock::now();
    check_passes(start_with(host, good_mac));
    CHECK(std::chrono::steady_clock::now() - begin >= 900ms);
    check_refuses(start_with(host, unknown_mac), "locked");
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("where nft is broken or hangs nothing unknown starts, and what is known does", "[hook][guard]") {
    const Guarded host;
    host.shorten_deadline();
    host.guard_up();
    const auto daemon = host.daemon();
    const std::string script = GENERATE("#!/bin/bash\necho broken >&2\nexit 1\n", "#!/bin/bash\nexec sleep 1000\n");
    write_file(host.path("nft"), script);
    std::filesystem::permissions(host.path("nft"), std::filesystem::perms::owner_all);
    const auto begin = std::chrono::steady_clock::now();
    check_refuses(start_with(host, unknown_mac), "");
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
    check_passes(start_with(host, good_mac));
}

TEST_CASE("neither a foreign guest nor one with a good lease costs a look at the guard", "[hook][guard]") {
    const Guarded host;
    write_file(host.path("nft"), "#!/bin/bash\ntouch '" + host.path("asked") + "'\nexit 1\n");
    std::filesystem::permissions(host.path("nft"), std::filesystem::perms::owner_all);
    check_passes(call_hook(host, "prepare", domain_with(bridge_nic(unknown_mac, "virbr0"))));
    check_passes(start_with(host, good_mac));
    CHECK_FALSE(std::filesystem::exists(host.path("asked")));
    CHECK(start_with(host, unknown_mac).exit_code == 1);
    CHECK(std::filesystem::exists(host.path("asked")));  // or the test above means nothing
}
