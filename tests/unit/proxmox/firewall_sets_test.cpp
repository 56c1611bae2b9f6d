#include "firewall_sets.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using proxmox::with_ipfilter;

namespace {

std::vector<Prefix> ranges(const std::vector<std::string>& texts) {
    std::vector<Prefix> result;
    for (const auto& text : texts) result.push_back(Prefix::parse(text));
    return result;
}

const std::string head = "[IPSET ipfilter-net0] # failover-ip\n\n";

/// As PVE::Firewall writes it.
const std::string written =
    "[OPTIONS]\n\nenable: 1\npolicy_in: DROP\n\n[ALIASES]\n\nhome 192.0.2.1 # my house\n\n[IPSET admins] # who may\n\n"
    "192.0.2.0/24\ndc/office\n\n[RULES]\n\n# a comment\nIN ACCEPT -source +admins -p tcp -dport 22\n\n";

}  // namespace

TEST_CASE("a set of ours is added at the end, and taken away again") {
    for (const std::string text : {"", "[OPTIONS]\n\nenable: 1\n", written.c_str(), "\n", "[RULES]\n\n\n\n",
                                   "[RULES]\n\n[IPSET ipfilter-net1] # failover-ip\n\n198.51.100.1\n"}) {
        INFO(text);
        const auto with = with_ipfilter(text, 0, ranges({"203.0.113.5", "2001:db8::/64"}));
        CHECK(with == text + (text.empty() ? "" : "\n") + head + "203.0.113.5\n2001:db8::/64\n");
        CHECK(with_ipfilter(with, 0, ranges({"2001:db8::/64", "203.0.113.5/32", "203.0.113.5"})) == with);
        CHECK(with_ipfilter(with, 0, {}) == text);
        CHECK(with_ipfilter(text, 0, {}) == text);
    }
    CHECK(with_ipfilter("[RULES]", 3, ranges({"203.0.113.5"})) ==
          "[RULES]\n\n[IPSET ipfilter-net3] # failover-ip\n\n203.0.113.5\n");
    CHECK(with_ipfilter("[RULES]\r\n", 0, ranges({"203.0.113.5"})) ==
          "[RULES]\r\n\r\n[IPSET ipfilter-net0] # failover-ip\r\n\r\n203.0.113.5\r\n");
}

TEST_CASE("a set of ours follows its addresses, and nothing else changes") {
    const std::string before = "[OPTIONS]\n\nenable: 1\n\n";
    const std::string after = "\n[RULES]\n\nIN ACCEPT\n\n";
    const auto text = before + head + "203.0.113.5\n203.0.113.6 # kept\n" + after;
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.6", "203.0.113.5"})) == text);
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.6"})) == before + head + "203.0.113.6 # kept\n" + after);
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.7"})) == before + head + "203.0.113.7\n" + after);
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.5", "203.0.113.6", "203.0.113.7"})) ==
          before + head + "203.0.113.5\n203.0.113.6 # kept\n203.0.113.7\n" + after);
    CHECK(with_ipfilter(text, 0, {}) == before + after.substr(1));
}

TEST_CASE("entries that are not ours to keep go from a set of ours") {
    const auto text = head + "!203.0.113.5\ndc/office\n203.0.113.5\n203.0.113.5\n203.0.113.6/24\n# why\nx y\n";
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.5"})) == head + "203.0.113.5\n# why\n");
}

TEST_CASE("a person's set is left alone") {
    for (const std::string theirs :
         {"[IPSET ipfilter-net0]\n\n192.0.2.1\n", "[ipset IPFILTER-NET0] # mine\n192.0.2.1\n",
          "[IPSET ipfilter-net0] # failover-ip set\n"}) {
        INFO(theirs);
        CHECK(with_ipfilter(theirs, 0, ranges({"203.0.113.5"})) == theirs);
        CHECK(with_ipfilter(theirs, 0, {}) == theirs);
        const auto both = theirs + head + "203.0.113.9\n";
        CHECK(with_ipfilter(both, 0, ranges({"203.0.113.5"})) == both);
    }
}

TEST_CASE("the head is read as Proxmox reads it") {
    for (const std::string ours :
         {"[ipset ipfilter-net0]   #failover-ip  \n", "[IPSET  IPFilter-net0]# failover-ip\n"}) {
        INFO(ours);
        CHECK(with_ipfilter(ours + "203.0.113.9\n", 0, ranges({"203.0.113.5"})) == ours + "203.0.113.5\n");
        CHECK(with_ipfilter(ours + "203.0.113.9\n", 0, {}) == "");
    }
    CHECK(with_ipfilter(head + "203.0.113.9\n", 1, {}) == head + "203.0.113.9\n");
}

TEST_CASE("of two sets of ours one stays") {
    const auto text = head + "203.0.113.5\n\n[RULES]\n\n" + head + "203.0.113.6\n";
    CHECK(with_ipfilter(text, 0, ranges({"203.0.113.6"})) == "[RULES]\n\n" + head + "203.0.113.6\n");
    CHECK(with_ipfilter(text, 0, {}) == "[RULES]\n");
}

TEST_CASE("a comment above the next section stays with it") {
    CHECK(with_ipfilter(head + "203.0.113.5\n\n# my rules\n[RULES]\n", 0, {}) == "# my rules\n[RULES]\n");
}

TEST_CASE("hostile firewall files come back unchanged") {
    for (const std::string text : {"[", "[]", "]", "[IPSET]", "[IPSET ]", "[IPSETipfilter-net0]",
                                   "[IPSET ipfilter-net0", "\r", "#", "\n\n\n", "[IPSET\n ipfilter-net0]"}) {
        INFO(text);
        CHECK(with_ipfilter(text, 0, {}) == text);
    }
}
