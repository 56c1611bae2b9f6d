#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <sstream>

#include "lab/preload.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

using namespace fip::test;
using namespace std::chrono_literals;

namespace {

std::string read_file(const std::string& name) {
    std::ifstream file{name};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Result run_victim(const TempDir& dir, std::map<std::string, std::string> environment) {
    environment["FIP_EFFECTS_FILE"] = dir / "effects";
    Command command{{FIP_KILL_AT_VICTIM, dir / "db"}};
    command.environment = preload(Preload::kill_at, std::move(environment));
    return run(command, 20s);
}

std::string rows(const TempDir& dir) {
    return run({{"sqlite3", dir / "db", "SELECT group_concat(n) FROM t"}}).out;
}

}  // namespace

TEST_CASE("kill_at numbers every effect of a program once", "[process]") {
    const TempDir dir;
    REQUIRE(run_victim(dir, {}).exit_code == 0);
    CHECK(read_file(dir / "effects") ==
          "1 write CREATE TABLE t (n INTEGER)\n"
          "2 commit \n"
          "3 write INSERT INTO t VALUES (2)\n"
          "4 request POST /api/v1/server/failover\n"
          "5 libvirt virDomainDefineXML\n"
          "6 libvirt virDomainUndefine\n");
}

TEST_CASE("kill_at kills before an effect or after it, and nowhere else", "[process]") {
    for (int effect = 1; effect <= 6; ++effect) {
        for (const char* moment : {"before", "after"}) {
            const TempDir dir;
            const auto at = std::to_string(effect) + ":" + moment;
            INFO("killed at " << at);
            CHECK(run_victim(dir, {{"FIP_KILL_AT", at}}).exit_code == 128 + SIGKILL);
            std::string last;
            std::istringstream lines{read_file(dir / "effects")};
            for (std::string line; std::getline(lines, line);) last = line;
            CHECK(last.substr(0, 2) == std::to_string(effect) + " ");
            if (at == "2:before") CHECK(rows(dir) == "\n");
            if (at == "2:after" || at == "3:before") CHECK(rows(dir) == "1\n");
            if (at == "3:after") CHECK(rows(dir) == "1,2\n");
        }
    }
    const TempDir dir;
    CHECK(run_victim(dir, {{"FIP_KILL_AT", "7:before"}}).exit_code == 0);
    const TempDir other;
    CHECK(run_victim(other, {{"FIP_KILL_AT", "1:after"}, {"FIP_KILL_PROGRAM", "another"}}).exit_code == 0);
}

TEST_CASE("clock_shift moves a program's time of day", "[process]") {
    const TempDir dir;
    const auto seen = [&](const char* shift) {
        std::ofstream{dir / "shift"} << shift;
        std::ofstream{dir / "db", std::ios::trunc};
        Command command{{FIP_KILL_AT_VICTIM, dir / "db"}};
        command.environment = preload(Preload::clock_shift, {{"FIP_CLOCK_FILE", dir / "shift"}});
        return std::stoll(run(command, 20s).out);
    };
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    CHECK(seen("-86400") == Approx(static_cast<double>(now - 86400)).margin(20));
    CHECK(seen("3600 0") == Approx(static_cast<double>(now + 3600)).margin(20));
}
