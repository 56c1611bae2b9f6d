#include "daemon/socket_server.hpp"
#include "core/errors.hpp"
#include "runtime/daemon_client.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace fip;
using namespace fip::daemon;
using namespace fip::test;
using namespace std::chrono_literals;

TEST_CASE("the socket serves many at once, hands requests on, and lets nobody hold it up", "[unit]") {
    TempDir dir;
    const std::filesystem::path path = dir / "run/s.sock";
    std::atomic<int> starts{0};
    std::atomic<int> works{0};
    std::atomic<int> pokes{0};
    std::atomic<int> waits{0};
    std::atomic<int> reloads{0};
    std::atomic<int> looks{0};
    SocketServer server{path,
                        {[&](std::string_view who) { return who == "100/a" && ++looks > 0; },
                         [&](std::string_view who) { return (who.empty() || who == "100") && ++starts > 0; },
                         [&] { ++works; }, [&] { ++pokes; }, [&] { ++waits; }, [&] { ++reloads; }}};
    std::thread serving{[&] { server.run(); }};
    struct stat folder {};
    REQUIRE(::stat((dir / "run").c_str(), &folder) == 0);
    CHECK((folder.st_mode & 0777) == 0700);

    CHECK_THROWS_AS((SocketServer{path, {}}), InputError);  // a second one
    std::vector<std::thread> clients;
    std::atomic<int> answered{0};
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
            for (int n = 0; n < 20; ++n) answered += runtime::ask(path, "ping", 5s) == "ok" ? 1 : 0;
        });
    }
    for (auto& client : clients) client.join();
    CHECK(answered == 160);
    CHECK(runtime::ask(path, "starting", 5s) == "ok");
    CHECK(runtime::ask(path, "starting 100", 5s) == "ok");
    CHECK(runtime::ask(path, "starting somebody", 5s) == "not a guest's id");
    CHECK(runtime::ask(path, "work", 5s) == "ok");
    CHECK(runtime::ask(path, "poke", 5s) == "ok");
    CHECK(runtime::ask(path, "waiting", 5s) == "ok");
    CHECK(runtime::ask(path, "reload", 5s) == "ok");
    CHECK(runtime::ask(path, "look 100/a", 5s) == "ok");
    CHECK(runtime::ask(path, "look somebody", 5s) == "not a guest's id");
    CHECK(runtime::ask(path, "waits", 5s) == "unknown request");
    CHECK(starts == 2);
    CHECK(works == 1);
    CHECK(pokes == 1);
    CHECK(waits == 1);
    CHECK(reloads == 1);
    CHECK(looks == 1);
    server.stop();
    serving.join();
}
