// The batch as a file: who changes a rule sees it here first. The kernel's word on it: contract/guard_*.
#include "guard/nft_rules.hpp"

#include "ports/guard.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace fip;
using namespace fip::guard;

namespace {

GuardRules two_uplinks() {
    UplinkRules first{"eno1", "br0", GuardMode::enforce, {Mac::parse("02:00:00:00:00:01")}, {}, {}};
    first.registered[Mac::parse("52:54:00:0a:0b:0c")] = {Address::parse("192.0.2.10"), Address::parse("2001:db8::10")};
    first.ipv6 = {Prefix::parse("2001:db8:5:1::/64"), Prefix::parse("2001:db8:5::/48"), Prefix::parse("192.0.2.0/24")};
    UplinkRules second{"b\"*", "br1", GuardMode::observe, {}, {}, {}};
    return {first, second};
}

// One command per line, so that a change is one line.
std::string lines(const std::string& batch) {
    std::string text;
    for (std::size_t at = 0; at < batch.size(); ++at) {
        const bool begins = batch.compare(at, 6, "{\"add\"") == 0 || batch.compare(at, 8, "{\"flush\"") == 0 ||
                            batch.compare(at, 9, "{\"delete\"") == 0;
        if (begins) text += '\n';
        text += batch[at];
    }
    return text + "\n";
}

void check_golden(const std::string& name, const std::string& text) {
    const auto file = std::string{FIP_GOLDEN_DIR} + "/" + name;
    const char* accept = std::getenv("FIP_ACCEPT");
    if (accept != nullptr && std::string{accept} == "1") std::ofstream{file} << text;
    INFO("golden file " << file << "; FIP_ACCEPT=1 rewrites it");
    std::ostringstream expected;
    expected << std::ifstream{file}.rdbuf();
    CHECK(text == expected.str());
}

}  // namespace

TEST_CASE("the first batch makes both tables") {
    check_golden("first_batch.txt", lines(rules_batch(two_uplinks(), {false, false, {}, {"eno1"}}, Renewal::update)));
}

TEST_CASE("a later batch fills what stands, and counts stay") {
    const Standing standing{
        true, true, {{"egress_eno1", "eno1"}, {"egress_old", "old"}, {"egress_b_22_2a", "up9"}}, {"eno1", "b\"*"}};
    check_golden("later_batch.txt", lines(rules_batch(two_uplinks(), standing, Renewal::update)));
    CHECK(rules_batch(two_uplinks(), standing, Renewal::update).find("\"name\":\"blocked\"") == std::string::npos);
}

TEST_CASE("a fresh batch deletes first") {
    const auto batch = rules_batch(two_uplinks(), {true, true, {{"egress_eno1", "eno1"}}, {"eno1"}}, Renewal::afresh);
    const auto rest = rules_batch(two_uplinks(), {false, false, {}, {"eno1"}}, Renewal::update);
    CHECK(batch.substr(batch.size() - rest.size() + 13) == rest.substr(13));
    CHECK(batch.find("delete") < batch.find("blocked"));
}

TEST_CASE("an uplink's chain has a name that needs no quotes, and no two uplinks share one") {
    CHECK(egress_chain("eno1") == "egress_eno1");
    CHECK(egress_chain("a_5f") == "egress_a_5f5f");
    CHECK(egress_chain("a__") != egress_chain("a_5f"));
    CHECK(egress_chain("fifteen\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF").size() < 128);
}
