// The simulator itself: that it says what the facts about the API say, and that tests may rely on its controls.
#include "provider_fixtures.hpp"
#include "support/wait_until.hpp"

#include <httplib.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <thread>
#include <vector>

using namespace fip;
using namespace fip::test;

namespace {

namespace json = boost::json;

const std::string ip5 = "203.0.113.5";
const std::string ip6 = "203.0.113.6";

// A client that sends what it likes, unlike our adapter.
struct Api {
    TempDir folder;
    OnlineSimulator simulator;
    httplib::Client client;
    httplib::Headers headers{{"Authorization", "Bearer " + simulator.token()}};

    Api() : simulator{options(folder)}, client{host()} { client.set_keep_alive(true); }

    static OnlineSimulator::Options options(const TempDir& folder) {
        OnlineSimulator::Options result;
        result.folder = folder.path();
        result.servers = {{11111, this_server}, {22222, other_server}};
        result.addresses = {{ip5, 11111}, {ip6, 0}};
        result.busy_seconds = 600;
        return result;
    }
    [[nodiscard]] std::string host() const {
        const auto url = simulator.endpoint();
        return url.substr(0, url.find("/api"));
    }

    struct Seen {
        int status = 0;
        std::string body;
        friend bool operator==(const Seen&, const Seen&) = default;
        friend std::ostream& operator<<(std::ostream& out, const Seen& seen) {
            return out << seen.status << ' ' << seen.body;
        }
    };
    static Seen seen(const httplib::Result& result) {
        if (!result) return {-1, httplib::to_string(result.error())};
        return {result->status, result->body};
    }
    Seen get(const std::string& path) { return seen(client.Get("/api/v1" + path, headers)); }
    json::value value(const std::string& path) { return json::parse(get(path).body); }
    Seen post(const std::string& path, const httplib::Params& fields) {
        return seen(client.Post("/api/v1" + path, headers, fields));
    }
    Seen edit(const std::string& source, const std::string& destination) {
        return post("/server/failover/edit", {{"source", source}, {"destination", destination}});
    }
    Seen error(int status, const std::string& text) { return {status, "{\"error\":\"" + text + "\"}"}; }
    void settle() { simulator.edit(ip5, {{"busy_until", 0}}), simulator.edit(ip6, {{"busy_until", 0}}); }
};

const Api::Seen yes{200, "true"};

}  // namespace

TEST_CASE("the simulator says of routing what the API says") {
    Api api;
    CHECK(api.edit(ip5, this_server) == api.error(409, "Address already provisioned"));
    CHECK(api.edit(ip6, "") == api.error(409, "Address already deprovisioned"));
    CHECK(api.edit(ip5, other_server) == yes);
    CHECK(api.edit(ip5, this_server) == api.error(409, "Failover address routing in progress"));
    CHECK(api.simulator.find(ip5)->server == 22222);
    api.settle();
    CHECK(api.edit(ip5, "") == yes);
    CHECK(api.simulator.find(ip5)->server == 0);
    api.settle();
    CHECK(api.edit(ip5 + "," + ip6, this_server) == yes);
    CHECK(api.edit("198.51.100.1", this_server).status == 404);
    CHECK(api.edit(ip5, "198.51.100.1").status == 404);
    CHECK(api.edit("", this_server).status == 400);
    CHECK(api.edit(ip5 + ",", this_server).status == 400);
    CHECK(api.post("/server/failover/edit", {{"source", ip5}}).status == 400);
}

TEST_CASE("the simulator keeps or drops a MAC over null-routing as it is told") {
    for (const auto* rule : {"keep", "drop"}) {
        Api api;
        api.simulator.set({{"mac_after_null_route", rule}});
        api.simulator.edit(ip5, {{"mac", "52:54:00:00:00:05"}});
        REQUIRE(api.edit(ip5, "") == yes);
        CHECK(api.simulator.find(ip5)->mac.empty() == (std::string{rule} == "drop"));
    }
    Api api;
    CHECK(api.post("/server/failover/generateMac", {{"address", ip6}, {"type", "kvm"}}).status == 409);
    api.simulator.set({{"mac_while_null_routed", "allow"}});
    CHECK(api.post("/server/failover/generateMac", {{"address", ip6}, {"type", "kvm"}}).status == 200);
}

TEST_CASE("the simulator moves MAC groups whole, with the MAC or another") {
    for (const auto* rule : {"keep", "drop", "change"}) {
        Api api;
        api.simulator.edit(ip5, {{"server", 22222}, {"mac", "52:54:00:00:00:05"}});
        api.simulator.edit(ip6, {{"server", 22222}, {"mac", "52:54:00:00:00:05"}});
        CHECK(api.edit(ip5, this_server).status == 409);
        api.simulator.set({{"mac_after_move", rule}, {"partial_group", "move"}});
        CHECK(api.edit(ip5, this_server) == yes);
        CHECK(api.simulator.find(ip6)->server == 11111);
        CHECK(api.simulator.find(ip6)->mac == api.simulator.find(ip5)->mac);
        CHECK((api.simulator.find(ip5)->mac == "52:54:00:00:00:05") == (std::string{rule} == "keep"));
        CHECK(api.simulator.find(ip5)->mac.empty() == (std::string{rule} == "drop"));
    }
}

TEST_CASE("the simulator reads paths, bodies and headers as the API does") {
    Api api;
    CHECK(api.get("/server/") == api.get("/server"));
    CHECK(api.get("/server").body == R"(["\/api\/v1\/server\/11111","\/api\/v1\/server\/22222"])");
    CHECK(api.get("/servers") == Api::Seen{404, R"({"error":"Unknown method","code":3})"});
    CHECK(api.get("/server/99999").status == 404);
    CHECK(api.value("/server/failover/" + ip5).is_object());
    api.simulator.set({{"failover_item", "array"}});
    CHECK(api.value("/server/failover/" + ip5).as_array().size() == 1);
    CHECK(api.value("/server/ip/" + ip5).at("type") == "failover");
    CHECK(api.value("/server/ip/" + this_server).at("type") == "public");
    CHECK(api.get("/server/ip/198.51.100.1").status == 404);
    CHECK(api.value("/server/11111").at("location").at("rack").is_string());

    const auto json_body = R"({"source":"203.0.113.5","destination":null})";
    CHECK(Api::seen(api.client.Post("/api/v1/server/failover/edit", api.headers, json_body, "application/json")) ==
          yes);
    CHECK(api.simulator.find(ip5)->server == 0);
    CHECK(Api::seen(api.client.Put("/api/v1/server/11111", api.headers, httplib::Params{{"hostname", "new"}})) == yes);
    CHECK(api.value("/server/11111").at("hostname") == "new");
    CHECK(api.post("/server/reboot/11111", {}) == Api::Seen{200, "false"});
    CHECK(api.post("/server/reboot/11111", {{"reason", "test"}}) == yes);

    auto tagged = api.client.Get("/api/v1/server", api.headers);
    auto with_tag = api.headers;
    with_tag.emplace("If-None-Match", tagged->get_header_value("ETag"));
    CHECK(api.client.Get("/api/v1/server", with_tag)->status == 304);
    auto with_pretty = api.headers;
    with_pretty.emplace("X-Pretty-JSON", "1");
    const auto pretty = api.client.Get("/api/v1/server/11111", with_pretty)->body;
    CHECK(pretty.find('\n') != std::string::npos);
    CHECK(json::parse(pretty) == api.value("/server/11111"));
    CHECK(api.client.Get("/api/v1/server")->status == 401);
}

TEST_CASE("the simulator checks reverse names and resets them") {
    Api api;
    const auto named = [&](const std::string& addresses, const std::string& name) {
        return api.post("/server/ip/edit", {{"address", addresses}, {"reverse", name}});
    };
    CHECK(named(ip5 + "," + ip6, "both.example.com") == yes);
    CHECK(api.simulator.find(ip6)->reverse == "both.example.com.");
    CHECK(named(this_server, "hv1.example.com") == yes);
    CHECK(api.value("/server/ip/" + this_server).at("reverse") == "hv1.example.com.");
    CHECK(named(ip5, "false") == yes);
    CHECK(api.simulator.find(ip5)->reverse.empty());
    CHECK(named(ip5, "not a name").status == 400);
    CHECK(named(ip5, "").status == 400);
    api.simulator.set({{"resolver", "table"}});
    CHECK(named(ip5, "web.example.com").status == 400);
    api.simulator.add_forward("web.example.com", ip5);
    CHECK(named(ip5, "web.example.com") == yes);
}

TEST_CASE("the simulator's state, switches and faults survive a kill") {
    Api api;
    REQUIRE(api.edit(ip5, other_server) == yes);
    api.simulator.set({{"rack", "int"}});
    api.simulator.fail({{"endpoint", "edit"}, {"skip", 5}});
    api.simulator.add_forward("web.example.com", ip5);
    const auto before = api.simulator.state();
    api.simulator.kill();
    api.simulator.restart();
    CHECK(api.simulator.state() == before);
    CHECK(api.edit(ip5, this_server).body.find("in progress") != std::string::npos);  // busy_until too
}

TEST_CASE("a kill at any moment leaves a whole state file") {
    Api api;
    api.simulator.set({{"busy_ms", 0}});
    for (int round = 0; round < 5; ++round) {
        bool is_there = api.simulator.find(ip5)->server == 11111;
        std::atomic<int> written = 0;
        std::thread writer{[&] {
            httplib::Client client{api.host()};
            for (;; ++written) {
                const auto result = client.Post(
                    "/api/v1/server/failover/edit", api.headers,
                    httplib::Params{{"source", ip5}, {"destination", is_there ? other_server : this_server}});
                if (!result) return;
                is_there = !is_there;
            }
        }};
        while (written < 20 + round) std::this_thread::yield();
        api.simulator.kill();  // in the middle of something
        writer.join();
        api.simulator.restart();
        CHECK(api.simulator.find(ip5)->server != 0);
    }
}

TEST_CASE("the log and the counters tell requests, effects and faults, and never the token") {
    Api api;
    static_cast<void>(api.get("/server/failover"));
    REQUIRE(api.edit(ip6, this_server) == yes);
    api.simulator.fail({{"endpoint", "write"}, {"status", 503}});
    CHECK(api.edit(ip5, other_server).status == 503);
    const auto log = api.simulator.log();
    REQUIRE(log.size() == 3);
    CHECK(log[0].at("endpoint") == "failover");
    CHECK(log[1].at("fields").at("source").as_string() == ip6);
    CHECK(log[1].at("effect") == true);
    CHECK(log[2].at("effect") == false);
    CHECK(log[2].at("fault") == true);
    CHECK(log[2].at("status") == 503);
    CHECK(json::serialize(log).find(api.simulator.token()) == std::string::npos);
    CHECK(api.simulator.reads() == 1);
    CHECK(api.simulator.writes() == 2);
    CHECK(api.simulator.effects() == 1);
    CHECK(api.simulator.requests("edit") == 2);
    api.simulator.clear_counters();
    api.simulator.clear_log();
    CHECK(api.simulator.writes() == 0);
    CHECK(api.simulator.log().empty());
}

TEST_CASE("faults hit the requests they name, so often as they say") {
    Api api;
    api.simulator.fail({{"endpoint", "servers"}, {"skip", 1}, {"times", 2}, {"status", 503}});
    api.simulator.fail({{"endpoint", "server"}, {"times", -1}, {"status", 500}});
    CHECK(api.get("/server").status == 200);
    CHECK(api.get("/server/11111").status == 500);
    CHECK(api.get("/server").status == 503);
    CHECK(api.get("/server").status == 503);
    CHECK(api.get("/server").status == 200);
    CHECK(api.get("/server/11111").status == 500);
    api.simulator.clear_faults();
    CHECK(api.get("/server/11111").status == 200);
}

TEST_CASE("a delayed request is in the log before it has its effect, and is let go by clearing the faults") {
    Api api;
    api.simulator.fail({{"endpoint", "edit"}, {"delay_ms", 600000}});
    Api::Seen result;
    std::thread writer{[&] {
        httplib::Client client{api.host()};
        client.set_read_timeout(std::chrono::seconds{60});
        result = Api::seen(client.Post("/api/v1/server/failover/edit", api.headers,
                                       httplib::Params{{"source", ip5}, {"destination", other_server}}));
    }};
    CHECK(wait_until([&] { return !api.simulator.log().empty(); }, std::chrono::seconds{20}));
    CHECK(api.simulator.find(ip5)->server == 11111);
    api.simulator.clear_faults();
    writer.join();
    CHECK(result == yes);
    CHECK(api.simulator.find(ip5)->server == 22222);
}

TEST_CASE("a nonsensical order to the simulator is refused and changes nothing") {
    Api api;
    const auto before = api.simulator.state();
    CHECK_THROWS(api.simulator.set({{"no_such_switch", true}}));
    CHECK_THROWS(api.simulator.set({{"rack", "int"}, {"mac_case", "middle"}}));
    CHECK_THROWS(api.simulator.set({{"busy_ms", "long"}}));
    CHECK_THROWS(api.simulator.fail({{"endpoint", "nowhere"}}));
    CHECK_THROWS(api.simulator.fail({{"tmies", 3}}));
    CHECK_THROWS(api.simulator.edit(ip5, {{"server", 33333}}));
    CHECK_THROWS(api.simulator.edit(ip5, {{"mac", "nonsense"}}));
    CHECK_THROWS(api.simulator.edit("nonsense", {}));
    CHECK_THROWS(api.simulator.remove("198.51.100.1"));
    CHECK_THROWS(api.simulator.put_state({{"servers", json::array{}}}));
    CHECK(api.simulator.state() == before);
}

TEST_CASE("many clients at once are served, one effect at a time") {
    Api api;
    api.simulator.set({{"busy_ms", 0}, {"latency_ms", 5}});
    std::vector<std::thread> clients;
    std::atomic<int> done = 0;
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back([&] {
            httplib::Client client{api.host()};
            client.set_read_timeout(std::chrono::seconds{60});
            for (int n = 0; n < 10; ++n) {
                const auto result = client.Post("/api/v1/server/failover/generateMac", api.headers,
                                                httplib::Params{{"address", ip5}, {"type", "kvm"}});
                if (result && result->status == 200) ++done;
            }
        });
    }
    for (auto& client : clients) client.join();
    CHECK(done == 1);
    CHECK(api.simulator.effects() == 1);
    CHECK(api.simulator.writes() == 160);
}

TEST_CASE("the simulator ends with the process that started it when asked to, and tells a bad command line") {
    const TempDir folder;
    const auto port_file = folder / "port";
    const auto result = run({{online_simulator_program(), "--address", "203.0.113.5=11111"}});
    CHECK(result.exit_code == 1);
    CHECK(result.err.find("no such --server") != std::string::npos);
    CHECK(run({{online_simulator_program(), "--nonsense"}}).exit_code != 0);
    CHECK(run({{online_simulator_program(), "--help"}}).out.find("--state") != std::string::npos);
    std::ofstream{folder / "bad"} << "not json";
    CHECK(run({{online_simulator_program(), "--state", folder / "bad"}}).exit_code == 1);

    // The shell goes on to its end as soon as the port file is there; the simulator must go with it.
    const auto script = "'" + online_simulator_program() + "' --die-with-parent --port-file '" + port_file +
                        "' >/dev/null & echo $!; until [ -s '" + port_file + "' ]; do :; done";
    const auto shell = run({{"sh", "-c", script}});
    const auto pid = std::stoi(shell.out);
    CHECK(
        wait_until([&] { return !std::filesystem::exists("/proc/" + std::to_string(pid)); }, std::chrono::seconds{10}));
}
