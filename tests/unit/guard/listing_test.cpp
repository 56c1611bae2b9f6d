// What nft prints is read strictly: a cut listing is an error, never a smaller set.
#include "guard/nft_listing.hpp"

#include "ports/guard.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::guard;

namespace {

const std::string counted =
    R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": {"family": "bridge", "name": "blocked",)"
    R"( "table": "failover_ip", "type": ["ifname", "ifname", "ether_addr"], "elem": [{"elem": {"val":)"
    R"( {"concat": ["up0", "p0", "02:00:00:00:00:01"]}, "timeout": 600, "expires": 599,)"
    R"( "counter": {"packets": 3, "bytes": 138}}}, {"concat": ["up0", "", "02:00:00:00:00:02"]}]}}]})";
const std::string tables = R"({"nftables": [{"chain": {"name": "check"}}, {"chain": {"name": "empty"}},)"
                           R"( {"rule": {"chain": "check", "expr": []}}, {"rule": {"chain": "check"}}]})";

}  // namespace

TEST_CASE("elements are read with their counts") {
    const auto elements = read_elements(counted, 10);
    REQUIRE(elements.size() == 2);
    CHECK(elements[0].key == std::vector<std::string>{"up0", "p0", "02:00:00:00:00:01"});
    CHECK(elements[0].packets == 3);
    CHECK(elements[0].bytes == 138);
    CHECK(elements[1].key[1].empty());
    CHECK(read_elements(R"({"nftables":[{"set":{"name":"own"}}]})", 10).empty());
    CHECK(read_elements(R"({"nftables":[{"set":{"elem":["up0"]}}]})", 10)[0].key[0] == "up0");
}

TEST_CASE("rules are counted by chain") {
    CHECK(read_rule_counts(tables) == std::map<std::string, std::size_t>{{"check", 2}, {"empty", 0}});
}

TEST_CASE("a listing that is cut anywhere is refused") {
    for (std::size_t size = 0; size < counted.size(); ++size) {
        CHECK_THROWS_AS(read_elements(counted.substr(0, size), 10), GuardError);
    }
    for (std::size_t size = 0; size < tables.size(); ++size) {
        CHECK_THROWS_AS(read_rule_counts(tables.substr(0, size)), GuardError);
    }
    CHECK_THROWS_AS(read_elements(counted + "x", 10), GuardError);
}

TEST_CASE("a listing of another shape is refused") {
    const auto listing = GENERATE(
        as<std::string>{}, "[]", "1", "{}", R"({"nftables":{}})", R"({"nftables":[1]})", R"({"nftables":[]})",
        R"({"nftables":[{"set":1}]})", R"({"nftables":[{"set":{"elem":1}}]})", R"({"nftables":[{"set":{"elem":[1]}}]})",
        R"({"nftables":[{"set":{"elem":[{"concat":1}]}}]})", R"({"nftables":[{"set":{"elem":[{"concat":[{}]}]}}]})",
        R"({"nftables":[{"set":{"elem":[{"elem":{}}]}}]})",
        R"({"nftables":[{"set":{"elem":[{"elem":{"val":"a","counter":{"packets":-1,"bytes":1}}}]}}]})");
    INFO(listing);
    CHECK_THROWS_AS(read_elements(listing, 10), GuardError);
    CHECK_THROWS_AS(read_elements(counted, 1), GuardError);
    CHECK_THROWS_AS(read_rule_counts(R"({"nftables":[{"rule":{}}]})"), GuardError);
    CHECK_THROWS_AS(lists_set(R"({"nftables":[{"set":{}}]})", "bridge", "x"), GuardError);
    CHECK_THROWS_AS(read_elements(std::string(100'000, '['), 10), GuardError);
}

TEST_CASE("chains on devices are read with the device they hang on") {
    const auto chains = read_egress_chains(
        "table netdev filter {\n\tchain egress_x {\n\t\ttype filter hook egress device \"x\" priority 0; policy "
        "accept;\n"
        "\t}\n}\ntable netdev failover_ip {\n\tchain check {\n\t}\n\n\tchain egress_up0 {\n"
        "\t\ttype filter hook egress device \"up\"0\" priority 2147483646; policy accept;\n\t}\n"
        "\tchain egress_gone {\n\t\ttype filter hook egress priority 5; policy accept;\n\t}\n\tchain egress_bare "
        "{\n\t}\n}\n");
    CHECK(chains ==
          std::map<std::string, std::string>{{"egress_up0", "up\"0"}, {"egress_gone", ""}, {"egress_bare", ""}});
}

TEST_CASE("our tables are told from others of the name") {
    CHECK(lists_table("table bridge failover_ip {\n}\n", "bridge"));
    CHECK_FALSE(lists_table("table bridge failover_ip2 {\n}\n", "bridge"));
    CHECK_FALSE(lists_table("table ip failover_ip {\n}\n", "bridge"));
    const std::string sets = R"({"nftables":[{"set":{"family":"ip","table":"failover_ip","name":"blocked"}}]})";
    CHECK(lists_set(sets, "ip", "blocked"));
    CHECK_FALSE(lists_set(sets, "bridge", "blocked"));
    CHECK_FALSE(lists_set(sets, "ip", "own"));
}
