#include "daemon/neighbour.hpp"
#include "daemon/socket_server.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace fip;
using namespace fip::daemon;
using namespace fip::test;
using namespace std::chrono_literals;

namespace {

const GuestId vm{GuestKind::proxmox, "100/6f1b1f5e-0000-4000-8000-000000000001"};

}  // namespace

TEST_CASE("the neighbour is told which guest to look at, and that an address may be free", "[unit]") {
    TempDir dir;
    const std::filesystem::path path = dir / "run/s.sock";
    std::vector<std::string> heard;  // by one thread, read after it
    SocketServer server{path,
                        {[&](std::string_view id) {
                             heard.emplace_back(id);
                             return true;
                         },
                         {},
                         {},
                         {},
                         [&] { heard.emplace_back("waiting"); },
                         [&] { heard.emplace_back("reload"); }}};
    std::thread serving{[&] { server.run(); }};
    Neighbour neighbour{path};
    neighbour.look(vm);
    neighbour.look_at_waiting();
    neighbour.reload();
    server.stop();
    serving.join();
    CHECK(heard == std::vector<std::string>{vm.value, "waiting", "reload"});
}

TEST_CASE("a neighbour that is not there, or does not answer, holds nobody up", "[unit]") {
    TempDir dir;
    const auto start = std::chrono::steady_clock::now();
    Neighbour absent{dir / "nobody.sock"};
    for (int i = 0; i < 100; ++i) absent.look(vm);

    const SocketServer silent{dir / "run/s.sock", {}};  // never runs
    Neighbour neighbour{dir / "run/s.sock"};
    for (int i = 0; i < 100; ++i) neighbour.look(vm);
    CHECK(std::chrono::steady_clock::now() - start < 10s);  // each alone may take 200 ms
}

TEST_CASE("a neighbour that was away is told again as soon as it is there", "[unit]") {
    TempDir dir;
    const std::filesystem::path path = dir / "run/s.sock";
    Neighbour neighbour{path};
    neighbour.look_at_waiting();
    int waits = 0;
    SocketServer server{path, {{}, {}, {}, {}, [&] { ++waits; }, {}}};
    std::thread serving{[&] { server.run(); }};
    neighbour.look_at_waiting();
    server.stop();
    serving.join();
    CHECK(waits == 1);
}
