#include "config/load.hpp"
#include "core/errors.hpp"
#include "doctor/check.hpp"
#include "example_config.hpp"
#include "node_facts.hpp"
#include "storage_config.hpp"
#include "support/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace fip;
using namespace fip::proxmox;
using Catch::Matchers::Contains;

namespace {

Settings load_text(const std::string& text) {
    const test::TempDir dir;
    std::ofstream{dir / "config.toml"} << text;
    return config::load(dir / "config.toml");
}

std::string filled(std::string text) {
    const std::string before = "server = CHANGE-ME";
    return text.replace(text.find(before), before.size(), "server = \"192.0.2.10\"");
}

NodeFacts good_node() {
    NodeFacts node;
    node.is_root = node.has_qm = node.has_pct = node.has_nft = node.is_pmxcfs_up = node.is_quorate = true;
    node.name = "pve";
    return node;
}

}  // namespace

TEST_CASE("snippets lie where storage local has them", "[setup]") {
    CHECK(snippet_folder("") == "/var/lib/vz/snippets");
    CHECK(snippet_folder("dir: local\n\tpath /var/lib/vz\n\tcontent iso\n") == "/var/lib/vz/snippets");
    CHECK(snippet_folder("dir: local\n\tcontent-dirs snippets=hooks\n") == "/var/lib/vz/hooks");
    CHECK(snippet_folder("dir: local\n\tpath /var/lib/vz\n\tcontent-dirs iso=i, snippets=a/b\n") == "/var/lib/vz/a/b");
    CHECK(snippet_folder("dir: local\n\tcontent-dirs iso=i\n") == "/var/lib/vz/snippets");
    CHECK(snippet_folder("nfs: x\n\tcontent-dirs snippets=no\n\ndir: local\n\tcontent iso\n") ==
          "/var/lib/vz/snippets");
    CHECK(snippet_folder("dir: local\n# a comment\n\tcontent-dirs snippets=hooks\n") == "/var/lib/vz/hooks");
    CHECK(snippet_folder("dir: localx\n\tcontent-dirs snippets=no\n") == "/var/lib/vz/snippets");
}

TEST_CASE("Proxmox puts local back to where it must be, whatever the file says", "[setup]") {
    CHECK(snippet_folder("dir: local\n\tpath /mnt/big\n\tcontent-dirs snippets=hooks\n") == "/var/lib/vz/snippets");
    CHECK(snippet_folder("zfspool: local\n\tpool tank\n\tcontent-dirs snippets=hooks\n") == "/var/lib/vz/snippets");
}

TEST_CASE("the example cannot be used before somebody put values in", "[setup]") {
    const auto example = example_config("vmbr1");
    CHECK(has_placeholders(example));
    CHECK_THROWS_AS(load_text(example), InputError);
    const auto good = filled(example);
    CHECK_FALSE(has_placeholders(good));
    const auto settings = load_text(good);
    CHECK(settings.pools.at("public").bridges == std::vector<std::string>{"vmbr1"});
    CHECK(settings.providers.at("dedibox").server == "192.0.2.10");
}

TEST_CASE("the first vmbr with an uplink is the example's bridge", "[setup]") {
    CHECK(bridge_for_guests({"br0", "vmbr10", "vmbr2"}) == "vmbr2");
    CHECK(bridge_for_guests({"br0"}) == "vmbr0");
    CHECK(bridge_for_guests({}) == "vmbr0");
}

TEST_CASE("pveversion's answer is understood", "[setup]") {
    CHECK(major_version("pve-manager/8.4.1/2a5fa54a8503f96d (running kernel: 6.8.12-9-pve)\n") == 8);
    CHECK(major_version("pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)\n") == 9);
    CHECK_FALSE(major_version("pve-manager/x").has_value());
    CHECK_FALSE(major_version("").has_value());
}

TEST_CASE("a node is refused for each thing that it lacks", "[setup]") {
    CHECK(objections(good_node()).empty());
    auto node = good_node();
    node.version = 9;
    CHECK(objections(node).empty());
    const auto one = [](auto change, const std::string& text) {
        auto lacking = good_node();
        change(lacking);
        const auto reasons = objections(lacking);
        REQUIRE(reasons.size() == 1);
        CHECK_THAT(reasons.front(), Contains(text));
    };
    one([](NodeFacts& each) { each.is_root = false; }, "needs root");
    one([](NodeFacts& each) { each.has_qm = false; }, "no Proxmox VE node");
    one([](NodeFacts& each) { each.has_pct = false; }, "no Proxmox VE node");
    one([](NodeFacts& each) { each.has_nft = false; }, "apt install nftables");
    one([](NodeFacts& each) { each.is_pmxcfs_up = each.is_quorate = false; }, "pmxcfs is not running");
    one([](NodeFacts& each) { each.is_quorate = false; }, "no quorum");
    one([](NodeFacts& each) { each.version = 7; }, "too old");
}

TEST_CASE("checks come back from JSON as they went", "[doctor]") {
    const doctor::Checks checks{doctor::ok("a", "text"), doctor::warn("b", "\"quoted\"", "hint"),
                                doctor::fail("c", "text", "")};
    CHECK(doctor::parse_checks(doctor::json_of(checks)) == checks);
    CHECK(doctor::exit_code_of(checks) == 1);
    CHECK(doctor::exit_code_of({checks[0], checks[1]}) == 0);
    CHECK_THROWS_AS(doctor::parse_checks("{}"), std::runtime_error);
    CHECK_THROWS_AS(doctor::parse_checks("[{\"name\":\"a\"}]"), std::runtime_error);
    CHECK_THROWS_AS(doctor::parse_checks("needs root"), std::runtime_error);
    CHECK(doctor::text_of(checks) ==
          "ok    a: text\n"
          "WARN  b: \"quoted\"\n"
          "      -> hint\n"
          "FAIL  c: text\n");
}

TEST_CASE("a long list of guests is cut, and says so", "[doctor]") {
    CHECK(doctor::some_of({"1", "2"}) == "1, 2");
    std::vector<std::string> many(13, "x");
    CHECK_THAT(doctor::some_of(many), Contains("x and 3 more"));
}
