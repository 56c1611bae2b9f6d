#include "cli_host.hpp"
#include "simulators/online/client.hpp"
#include "support/wait_until.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

using namespace fip;
using namespace fip::test;
using Catch::Matchers::Contains;

namespace {

/// The command line, its helper and the provider's simulator; no daemon.
struct Online : CliHost {
    OnlineSimulator simulator;

    Online() : simulator{{.folder = path("run"), .addresses = {{"203.0.113.5", 11111}, {"203.0.113.6", 11111}}}} {
        write_config("warm = 0\ncooldown = \"0s\"\n");
        write_token(simulator.token());
    }
    void write_token(const std::string& token) const {
        std::filesystem::remove(path("etc/dedibox.token"));
        write_file(path("etc/dedibox.token"), token + "\n");
        std::filesystem::permissions(path("etc/dedibox.token"), std::filesystem::perms::owner_read);
    }
    void write_config(const std::string& more_of_pool) const {
        auto config = online_config();
        const std::string nowhere = "http://127.0.0.1:9";
        config.replace(config.find(nowhere), nowhere.size(), simulator.endpoint());
        configure(config + more_of_pool);
    }
    [[nodiscard]] Result tell(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "failover-ip");
        auto result = run(std::move(arguments));
        CHECK_THAT(result.out + result.err, !Contains(simulator.token()));
        return result;
    }
};

}  // namespace

TEST_CASE("lease acquire has the provider make the MAC, and release has it taken back", "[cli]") {
    const Online host;
    const auto made = host.tell({"lease", "acquire", "--guest", "web1"});
    CAPTURE(made.err);
    REQUIRE(made.exit_code == 0);
    const auto entry = host.simulator.find("203.0.113.5");
    REQUIRE(entry);
    CHECK(made.out == "203.0.113.5 " + entry->mac + "\n");
    CHECK(entry->mac.substr(0, 8) == "52:54:00");

    const auto back = host.tell({"lease", "release", "203.0.113.5"});
    CAPTURE(back.err);
    CHECK(back.exit_code == 0);
    CHECK(host.simulator.find("203.0.113.5")->mac.empty());
}

TEST_CASE("with the provider away a reservation stays pending, and repeating the command goes on", "[cli]") {
    Online host;
    REQUIRE(host.tell({"pool", "sync"}).exit_code == 0);
    host.simulator.kill();
    const auto first = host.tell({"lease", "acquire", "--guest", "web1"});
    CHECK(first.exit_code == 3);
    CHECK(first.out.empty());
    CHECK_THAT(first.err, Contains("203.0.113.5 stays reserved for web1") && Contains("repeat the command"));
    CHECK(host.find("203.0.113.5")->state == LeaseState::pending);
    CHECK_THAT(host.tell({"guest", "explain", "web1"}).out, Contains("waits for the provider dedibox: "));

    host.simulator.restart();
    host.store().write([](Rows& rows) {  // as if the backoff's time had passed
        auto status = rows.provider.status("dedibox");
        status.backoff_until.reset();
        rows.provider.set_status("dedibox", status);
    });
    const auto second = host.tell({"lease", "acquire", "--guest", "web1"});
    CAPTURE(second.err);
    CHECK(second.exit_code == 0);
    CHECK(second.out == "203.0.113.5 " + host.simulator.find("203.0.113.5")->mac + "\n");
}

TEST_CASE("pool sync reads the provider, and says when it is away", "[cli]") {
    Online host;
    const auto synced = host.tell({"pool", "sync", "--json"});
    CHECK(synced.exit_code == 0);
    CHECK(synced.out == "[{\"provider\":\"dedibox\",\"problem\":null,\"open\":[]}]\n");
    CHECK(boost::json::parse(host.tell({"pool", "list", "--json"}).out).at(0).at("free").as_int64() == 2);
    host.simulator.kill();
    const auto away = host.tell({"pool", "sync"});
    CHECK(away.exit_code == 3);
    CHECK_THAT(away.err, Contains("provider dedibox: "));
}

TEST_CASE("a wrong token is a failure that a person must mend, not a reason to try again", "[cli]") {
    const Online host;
    host.write_token("wrong-token-9876543210");
    const auto result = host.tell({"pool", "sync"});
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Contains("token") && !Contains("9876543210"));
}

TEST_CASE("a token or server that was mended is good at once", "[cli]") {
    const Online host;
    REQUIRE(host.tell({"pool", "sync"}).exit_code == 0);
    host.write_token("wrong-token-9876543210");
    CHECK(host.tell({"pool", "sync"}).exit_code == 1);
    CHECK(host.tell({"lease", "acquire", "--guest", "web1"}).exit_code == 1);
    host.write_token(host.simulator.token());
    const auto made = host.tell({"lease", "acquire", "--guest", "web1"});
    CAPTURE(made.err);
    CHECK(made.exit_code == 0);

    host.write_token("wrong-token-9876543210");
    CHECK(host.tell({"pool", "sync"}).exit_code == 1);
    host.write_token(host.simulator.token());
    const auto synced = host.tell({"pool", "sync"});
    CAPTURE(synced.err);
    CHECK(synced.exit_code == 0);
}

TEST_CASE("an exhausted pool is read again once before it is called empty", "[cli]") {
    Online host;
    const auto first = host.tell({"lease", "acquire", "--guest", "a"});  // nothing was ever read
    CAPTURE(first.err);
    CHECK(first.exit_code == 0);
    CHECK(host.tell({"lease", "acquire", "--guest", "b"}).exit_code == 0);
    CHECK(host.tell({"lease", "acquire", "--guest", "c"}).exit_code == 4);
}

TEST_CASE("a provider that was never read and is away is not an exhausted pool", "[cli]") {
    Online host;
    host.simulator.kill();
    const auto told = host.tell({"lease", "acquire", "--guest", "web1"});
    CAPTURE(told.err);
    CHECK(told.exit_code == 3);
    CHECK(told.out.empty());
    CHECK_THAT(told.err, Contains("is not known yet"));
}
