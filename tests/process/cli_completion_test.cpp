#include "support/process.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace fip::test;

namespace {

/// What bash would offer after these words; the last one is being typed.
std::string offered(const std::vector<std::string>& words) {
    std::vector<std::string> argv{"bash", "-c",
                                  "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _failover_ip; "
                                  "echo \"${COMPREPLY[@]}\"",
                                  FIP_COMPLETION};
    argv.insert(argv.end(), words.begin(), words.end());
    const auto result = run({.argv = argv});
    CHECK(result.err.empty());
    return result.out.substr(0, result.out.find('\n'));
}

}  // namespace

TEST_CASE("bash completes nouns, verbs and options", "[cli]") {
    CHECK(offered({"failover-ip", "le"}) == "lease");
    CHECK(offered({"failover-ip", "lease", ""}) == "list acquire release");
    CHECK(offered({"failover-ip", "guard", ""}) == "up down status");
    CHECK(offered({"failover-ip", "--config", "x.toml", "pool", "s"}) == "sync");
    CHECK(offered({"failover-ip", "lease", "acquire", "--guest", "web1", "--dr"}) == "--dry-run");
    CHECK(offered({"failover-ip", "lease", "acquire", "--guest", "w"}).empty());
}

// The words that the completion offers are taken from the programs' own help.
TEST_CASE("every option that a verb's help shows is completed", "[cli]") {
    for (const auto& path : std::vector<std::vector<std::string>>{{"lease", "list"},
                                                                  {"lease", "acquire"},
                                                                  {"lease", "release"},
                                                                  {"pool", "list"},
                                                                  {"pool", "sync"},
                                                                  {"guest", "explain"},
                                                                  {"guard", "up"},
                                                                  {"guard", "down"},
                                                                  {"guard", "status"},
                                                                  {"doctor"},
                                                                  {"reconcile"}}) {
        std::vector<std::string> help{std::string{FIP_BIN_DIR} + "/failover-ip"};
        std::vector<std::string> words{"failover-ip"};
        help.insert(help.end(), path.begin(), path.end());
        words.insert(words.end(), path.begin(), path.end());
        help.emplace_back("--help");
        std::istringstream lines{run({.argv = help}).out};
        for (std::string line; std::getline(lines, line) && line != "Examples:";) {
            const auto at = line.find("--");
            if (line.rfind("  -", 0) != 0 || at == std::string::npos) continue;
            const auto option = line.substr(at, line.find(' ', at) - at);
            auto typed = words;
            typed.push_back(option);
            CHECK(offered(typed) == option);
        }
    }
}
