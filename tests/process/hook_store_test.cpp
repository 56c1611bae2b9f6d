#include "hook_guest.hpp"

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>

using namespace fip;
using namespace fip::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto mac = "52:54:00:00:00:05";

struct Closed {
    void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
};

std::unique_ptr<sqlite3, Closed> opened(const std::string& file) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    return std::unique_ptr<sqlite3, Closed>{database};
}

void execute(sqlite3& database, const char* sql) {
    REQUIRE(sqlite3_exec(&database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

struct Managed : CliHost {
    Managed() {
        configure(manual_config());
        put(active_lease("203.0.113.5", mac));
    }
};

void check_is_refused(const CliHost& host, const std::string& because) {
    const auto result = call_hook(host, "prepare", domain_with(bridge_nic(mac)));
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, StartsWith("failover-ip: web1 may not start: ") && Contains(because));
    CHECK(result.err.find('\n') == result.err.size() - 1);
}

}  // namespace

TEST_CASE("a guest on a managed bridge does not start when the store is missing", "[hook]") {
    const CliHost host;
    host.configure(manual_config());
    check_is_refused(host, "leases.db");
    CHECK_FALSE(std::filesystem::exists(host.store_file()));
}

TEST_CASE("a guest on a managed bridge does not start when the store is no database", "[hook]") {
    const CliHost host;
    host.configure(manual_config());
    write_file(host.store_file(), std::string(8192, 'x'));
    check_is_refused(host, "leases.db");
}

TEST_CASE("a guest on a managed bridge does not start when the store is of a newer version", "[hook]") {
    const Managed host;
    execute(*opened(host.store_file()), "PRAGMA user_version = 99");
    check_is_refused(host, "newer");
}

TEST_CASE("a guest on a managed bridge does not start while the store is locked, and waits a second for it", "[hook]") {
    const Managed host;
    const auto holder = opened(host.store_file());
    execute(*holder, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE held (x); COMMIT");
    const auto begin = std::chrono::steady_clock::now();
    check_is_refused(host, "locked");
    const auto time = std::chrono::steady_clock::now() - begin;
    CHECK(time >= 900ms);
    CHECK(time < 4s);
}

TEST_CASE("a guest starts while another process writes to the store", "[hook]") {
    const Managed host;
    const auto writer = opened(host.store_file());
    execute(*writer, "BEGIN IMMEDIATE");
    CHECK(call_hook(host, "prepare", domain_with(bridge_nic(mac))).exit_code == 0);
}

TEST_CASE("a migration goes on when its announcement cannot be noted", "[hook]") {
    const Managed host;
    const auto writer = opened(host.store_file());
    execute(*writer, "BEGIN IMMEDIATE");
    const auto result = call_hook(host, "migrate", domain_with(bridge_nic(mac)));
    CHECK(result.exit_code == 0);
    CHECK(result.out.empty());
}
