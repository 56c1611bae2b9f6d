#include "cli_host.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::test;

TEST_CASE("of two commands that race for the last address one wins, a thousand times", "[cli]") {
    const CliHost host;
    auto config = manual_config("cooldown = \"0s\"\n");
    config.replace(config.find("203.0.113.0/29"), 14, "203.0.113.7/32");
    // On a tmpfs: what the disk does is none of the race's business.
    host.configure("[store]\nurl = \"sqlite:/run/leases/leases.db\"\n" + config);
    // One shell runs all of it: a thousand namespaces would take longer than the races.
    const std::string script = R"(
        program=$0
        for ((i = 0; i < 1000; ++i)); do
            "$program" lease acquire --guest a >/run/a 2>/dev/null & one=$!
            "$program" lease acquire --guest b >/run/b 2>/dev/null & two=$!
            wait $one; a=$?
            wait $two; b=$?
            case $a$b in
                04) winner=a; loser=b ;;
                40) winner=b; loser=a ;;
                *) echo "round $i: $a and $b"; exit 1 ;;
            esac
            [[ $(</run/$winner) == "203.0.113.7 "* && -z $(</run/$loser) ]] || { echo "round $i: output"; exit 1; }
            "$program" lease release 203.0.113.7 >/dev/null || { echo "round $i: release"; exit 1; }
            echo $winner >>/run/winners
        done
        sort /run/winners | uniq -c
        [[ $("$program" lease list --json) == "[]" ]])";
    auto process = host.start({"/bin/bash", "-c", script, host.bring("failover-ip")});
    const auto result = process.wait(std::chrono::minutes{4});
    REQUIRE(result);
    INFO(result->out << result->err);
    CHECK(result->exit_code == 0);
}
