#include "cli_daemon.hpp"
#include "cli_host.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr auto guest_id = "4dea22b3-1d52-48f3-9516-782e98a23fa0";

struct Manual : CliHost {
    explicit Manual(const std::string& more_of_pool = "") { configure(manual_config(more_of_pool)); }
    [[nodiscard]] Result tell(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "failover-ip");
        return run(std::move(arguments));
    }
};

/// With a lease of a guest, and a libvirt of the test's making.
struct Held : CliHost {
    std::string program = bring("failover-ip");

    Held() {
        configure(manual_config());
        Lease lease;
        lease.address = Address::parse("203.0.113.5");
        lease.provider = "hand";
        lease.pool = "public";
        lease.state = LeaseState::active;
        lease.guest = GuestId{GuestKind::libvirt, guest_id};
        lease.guest_name = "web1";
        lease.origin = "host/qemu";
        lease.slot = "0";
        lease.mac = Mac::parse("02:00:00:00:00:05");
        put(lease);
    }
    void libvirt_says(const std::string& json, int exit_code = 0) const {
        put_beside("failover-ip-libvirt", "#!/bin/bash\necho \"$@\" >" + path("asked") + "\ncat <<'EOF'\n" + json +
                                              "\nEOF\nexit " + std::to_string(exit_code) + "\n");
    }
    [[nodiscard]] Result release() const { return run({program, "lease", "release", "203.0.113.5"}); }
};

}  // namespace

TEST_CASE("lease acquire prints address and MAC, and repeating it gives the same", "[cli]") {
    const Manual host;
    const auto first = host.tell({"lease", "acquire", "--guest", "web1"});
    CHECK(first.exit_code == 0);
    CHECK(first.err.empty());
    REQUIRE_THAT(first.out, Catch::Matchers::Matches("203\\.0\\.113\\.0 02(:[0-9a-f]{2}){5}\n"));
    CHECK(host.tell({"lease", "acquire", "--guest", "web1"}).out == first.out);
    const auto lease = host.find("203.0.113.0");
    REQUIRE(lease);
    CHECK(lease->state == LeaseState::active);
    CHECK_FALSE(lease->guest);
}

TEST_CASE("lease acquire --dry-run changes nothing", "[cli]") {
    const Manual host;
    REQUIRE(host.tell({"pool", "list"}).exit_code == 0);  // the pool is known
    const auto result = host.tell({"lease", "acquire", "--guest", "web1", "--dry-run"});
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.out, StartsWith("203.0.113.0 would be reserved for web1"));
    CHECK_FALSE(host.find("203.0.113.0"));
}

TEST_CASE("a dry run for programs is one line of JSON", "[cli]") {
    const Manual host;
    REQUIRE(host.tell({"pool", "list"}).exit_code == 0);
    const auto acquire = host.tell({"lease", "acquire", "--guest", "web1", "--json", "--dry-run"});
    CHECK(acquire.exit_code == 0);
    CHECK_THAT(acquire.out, StartsWith("{\"address\":\"203.0.113.0\"") && Catch::EndsWith("}\n"));
    const auto sync = host.tell({"pool", "sync", "--json", "--dry-run"});
    CHECK(sync.exit_code == 0);
    CHECK(sync.out == "[{\"provider\":\"hand\",\"problem\":null,\"steps\":[]}]\n");
}

TEST_CASE("an empty pool is exit code 4, and says which", "[cli]") {
    const Manual host;
    for (int i = 0; i < 8; ++i)
        REQUIRE(host.tell({"lease", "acquire", "--guest", "g" + std::to_string(i)}).exit_code == 0);
    const auto result = host.tell({"lease", "acquire", "--guest", "one-too-many"});
    CHECK(result.exit_code == 4);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("public"));
}

TEST_CASE("addresses that were added to the configuration are there at once", "[cli]") {
    const Manual host;
    REQUIRE(host.tell({"lease", "acquire", "--guest", "web1"}).exit_code == 0);
    auto config = manual_config();
    config.replace(config.find("203.0.113.0/29"), 14, "203.0.113.0/28");
    host.configure(config);
    const auto pools = boost::json::parse(host.tell({"pool", "list", "--json"}).out);
    CHECK(pools.at(0).at("total").as_int64() == 16);
}

TEST_CASE("wrong usage is exit code 2 and leaves stdout empty", "[cli]") {
    const Manual host;
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"lease"},
                                                      {"lease", "steal"},
                                                      {"move", "203.0.113.5", "--to", "192.0.2.11"},
                                                      {"import"},
                                                      {"doctor", "web1"},
                                                      {"lease", "acquire"},
                                                      {"lease", "acquire", "--guest", ""},
                                                      {"lease", "acquire", "--guest", "x", "--pool", "none"},
                                                      {"lease", "acquire", "--guest", "x", "--hostname", "no name"},
                                                      {"lease", "release"},
                                                      {"lease", "release", "203.0.113.05"},
                                                      {"lease", "release", "203.0.113.5 "},
                                                      {"lease", "release", "203.0.113.5"},
                                                      {"lease", "list", "junk"},
                                                      {"lease", "list", "--nosuch"},
                                                      {"pool", "sync", "--provider", "none"},
                                                      {"--config", "/no/such/file", "lease", "list"}};
    for (const auto& arguments : wrong) {
        const auto result = host.tell(arguments);
        CAPTURE(arguments, result.err);
        CHECK(result.exit_code == 2);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, StartsWith("failover-ip: "));
    }
}

TEST_CASE("others than root are told so, but may read the help", "[cli]") {
    const Manual host;
    const auto as_nobody = [&](const std::string& arguments) {
        return host.run({"/bin/bash", "-c",
                         "install -m 755 \"$0\" /run/x && exec setpriv --reuid 65534 --regid 65534 "
                         "--clear-groups /run/x " +
                             arguments,
                         host.bring("failover-ip")});
    };
    for (const auto* arguments : {"lease list", "lease acquire --guest x", "pool list", "guest explain x", "reconcile",
                                  "config check", "guard status", "lease release 203.0.113.5"}) {
        const auto result = as_nobody(arguments);
        CAPTURE(arguments);
        CHECK(result.exit_code == 1);
        CHECK(result.out.empty());
        CHECK(result.err == "failover-ip: needs root\n");
    }
    CHECK(as_nobody("--version").exit_code == 0);
    CHECK(as_nobody("lease acquire --help").exit_code == 0);
}

TEST_CASE("the version is one line", "[cli]") {
    const Manual host;
    CHECK_THAT(host.tell({"--version"}).out, Catch::Matchers::Matches("failover-ip [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_CASE("config check reports every mistake, one per line, with exit code 2", "[cli]") {
    const Manual host;
    const auto good = host.tell({"config", "check"});
    CHECK(good.exit_code == 0);
    CHECK(good.out == "ok\n");
    host.configure(manual_config("waarm = 3\nguard = \"sometimes\"\n"));
    const auto bad = host.tell({"config", "check"});
    CHECK(bad.exit_code == 2);
    CHECK(bad.out.empty());
    CHECK(std::count(bad.err.begin(), bad.err.end(), '\n') == 2);
    CHECK_THAT(bad.err, Contains("\"warm\"") && Contains("guard"));
    CHECK(host.tell({"lease", "list"}).exit_code == 2);
}

TEST_CASE("config check looks at the token file, and never prints what is in it", "[cli]") {
    const Manual host;
    host.configure(online_config());
    CHECK(host.tell({"config", "check"}).exit_code == 2);
    const auto token = host.path("etc/dedibox.token");
    write_file(token, "s3cr3t-token-value\n");
    for (const auto mode : {0600, 0644, 0604}) {
        std::filesystem::permissions(token, static_cast<std::filesystem::perms>(mode));
        const auto result = host.tell({"config", "check"});
        CHECK(result.exit_code == (mode == 0600 ? 0 : 2));
        CHECK_THAT(result.out + result.err, !Contains("s3cr3t"));
    }
}

TEST_CASE("a lease list without leases is empty, without a store too", "[cli]") {
    const Manual host;
    CHECK(host.tell({"lease", "list", "--json"}).out == "[]\n");
    CHECK_FALSE(std::filesystem::exists(host.store_file()));
    REQUIRE(host.tell({"pool", "list"}).exit_code == 0);
    CHECK(host.tell({"lease", "list", "--json"}).out == "[]\n");
    CHECK(host.tell({"lease", "list"}).out.empty());
}

TEST_CASE("a reservation is given back by hand, all addresses or none", "[cli]") {
    const Manual host{"cooldown = \"0s\"\n"};
    REQUIRE(host.tell({"lease", "acquire", "--guest", "a"}).exit_code == 0);
    REQUIRE(host.tell({"lease", "acquire", "--guest", "b"}).exit_code == 0);
    CHECK(host.tell({"lease", "release", "203.0.113.0", "203.0.113.7"}).exit_code == 2);
    CHECK(host.find("203.0.113.0"));
    const auto dry = host.tell({"lease", "release", "--dry-run", "203.0.113.0"});
    CHECK(dry.exit_code == 0);
    CHECK_THAT(dry.out, Contains("203.0.113.0 would be released"));
    CHECK(host.find("203.0.113.0"));
    const auto done = host.tell({"lease", "release", "203.0.113.0", "203.0.113.1"});
    CHECK(done.exit_code == 0);
    CHECK(done.out == "203.0.113.0 released\n203.0.113.1 released\n");
    CHECK_FALSE(host.find("203.0.113.0"));
}

TEST_CASE("the daemon hears of a release, and needs not be there", "[cli]") {
    const Manual host;
    REQUIRE(host.tell({"lease", "acquire", "--guest", "a"}).exit_code == 0);
    const CliDaemon daemon{host.path("run/libvirt.sock"), CliDaemon::Manner::stays_silent};
    CHECK(host.tell({"lease", "release", "203.0.113.0"}).exit_code == 0);
    CHECK(daemon.requests() == std::vector<std::string>{"poke"});
}

TEST_CASE("an address whose guest exists is not released by hand", "[cli]") {
    const Held host;
    host.libvirt_says(
        std::string{R"({"origins":["host/qemu"],"gaps":[],"guests":[{"kind":"libvirt","id":")"} + guest_id +
        R"(","name":"web1","running":false,"persistent":true,"held_back":false,"nics":[],"remarks":[]}]})");
    const auto result = host.release();
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_THAT(result.err, Contains("web1, which exists"));
    CHECK(host.find("203.0.113.5")->state == LeaseState::active);
    CHECK_THAT(read_file(host.path("asked")), StartsWith("--once --dry-run --json"));
}

TEST_CASE("an address whose guest is gone is released by hand", "[cli]") {
    const Held host;
    host.libvirt_says(R"({"origins":["host/qemu"],"gaps":[],"guests":[]})");
    CHECK(host.release().exit_code == 0);
    CHECK(host.find("203.0.113.5")->state == LeaseState::cooling);
}

TEST_CASE("doubt about a guest never releases its address", "[cli]") {
    const Held host;
    const auto check_is_refused = [&](const std::string& because) {
        const auto result = host.release();
        CAPTURE(because);
        CHECK(result.exit_code == 1);
        CHECK(result.out.empty());
        CHECK_THAT(result.err, Contains(because));
        CHECK(host.find("203.0.113.5")->state == LeaseState::active);
    };
    host.libvirt_says(R"({"origins":[],"gaps":["qemu:///system: no connection"],"guests":[]})", 1);
    check_is_refused("no connection");
    host.libvirt_says(R"({"origins":["another/qemu"],"gaps":[],"guests":[]})");
    check_is_refused("host/qemu");
    host.libvirt_says("no JSON");
    check_is_refused("cannot be read");
    host.libvirt_says(R"({"origins":)");
    check_is_refused("cannot be read");
    host.put_beside("failover-ip-libvirt", "#!/bin/bash\necho 'libvirtd is down' >&2\nexit 1\n");
    check_is_refused("libvirtd is down");
    host.put_beside("failover-ip-libvirt", "#!/bin/bash\nkill -KILL $$\n");
    check_is_refused("libvirt does not answer");
}

TEST_CASE("hostile names do not reach a terminal, and stay whole in JSON", "[cli]") {
    const Manual host;
    const std::string name = "x\n\x1b[2J{}\"'\\ \xc3\xa9 \xff";
    const auto made = host.tell({"lease", "acquire", "--guest", name, "--json"});
    REQUIRE(made.exit_code == 0);
    for (const auto* command : {"list", "explain"}) {
        const auto result = *command == 'l' ? host.tell({"lease", "list"}) : host.tell({"guest", "explain", name});
        CHECK_THAT(result.out, !Contains("\x1b") && Contains("x\\n"));
    }
    CHECK_NOTHROW(boost::json::parse(host.tell({"lease", "list", "--json"}).out));
    const auto explained = boost::json::parse(host.tell({"guest", "explain", name, "--json"}).out);
    CHECK(explained.at(0).at("name").as_string() == "x\n\x1b[2J{}\"'\\ \xc3\xa9 \xef\xbf\xbd");
}

TEST_CASE("a store that cannot be used is exit code 1 with one line", "[cli]") {
    const Manual host;
    write_file(host.store_file(), std::string(8192, 'x'));
    const auto result = host.tell({"lease", "list"});
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_THAT(result.err, Contains("leases.db"));
}
