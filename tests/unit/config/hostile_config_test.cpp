#include "config/parse_settings.hpp"

#include <catch2/catch.hpp>

#include <ctime>

using namespace fip;
using config::Mistake;
using config::parse_settings;

namespace {

/// Processor time: what else the machine does, does not count.
double seconds_since(std::clock_t begin) {
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::vector<Mistake> mistakes(const std::string& text) {
    try {
        (void)parse_settings(text, "f.toml");
    } catch (const config::ConfigError& error) {
        return error.mistakes();
    }
    return {};
}

}  // namespace

TEST_CASE("a syntax error is reported alone") {
    const auto found = mistakes("[pools.p]\nwaarm = 1\nx = = 2\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].line == 3);
    CHECK(found[0].key.empty());
    CHECK_THAT(found[0].text, Catch::StartsWith("syntax error: "));
    CHECK(mistakes("[host]\nname = 'a'\nname = 'b'\n").at(0).line == 3);
    CHECK(mistakes("[host]\n[host]\n").at(0).line == 2);
    CHECK(mistakes("[host]\nname = 'a").at(0).line == 2);
    CHECK(mistakes("[host]\nname = 'a' junk\n").at(0).line == 2);
}

TEST_CASE("what the parser holds for impossible is a syntax error in its line") {
    for (const std::string wrong : {"[#x]", "[[#x]]", "[.a]", "[host", "[=]", "[,", "[\t\xC3\xA4]", ". = 1", "= 1"}) {
        INFO(wrong);
        const auto found = mistakes("# one\na = [\n1]\n" + wrong + "\nb = 1\n");
        REQUIRE(found.size() == 1);
        CHECK(found[0].line == 4);
        CHECK_THAT(found[0].text, Catch::StartsWith("syntax error: "));
    }
}

TEST_CASE("a header without anything in it is a syntax error") {
    for (const std::string wrong : {"[", "[[", "[\n", "[[\n", "[]", "[[]]", "[ # x\n]"}) {
        INFO(wrong);
        const auto found = mistakes(wrong);
        REQUIRE(found.size() == 1);
        CHECK_THAT(found[0].text, Catch::StartsWith("syntax error: "));
    }
}

TEST_CASE("hostile texts end in a clear error") {
    CHECK(mistakes(std::string{"[host]\nname = \"a\0b\"", 18}).at(0) == Mistake{2, "", "has a NUL byte"});
    CHECK(mistakes(std::string(5U << 20U, '#')).at(0) == Mistake{0, "", "longer than 4 MiB"});
    CHECK_THAT(mistakes("[host]\nname = \"\xFF\"").at(0).text, Catch::StartsWith("syntax error: "));
    CHECK_THAT(mistakes("a = " + std::string(100'000, '[')).at(0).text, Catch::StartsWith("syntax error: "));
    std::string braces = "a = ";
    for (int i = 0; i < 50'000; ++i) braces += "{a=";
    CHECK_THAT(mistakes(braces).at(0).text, Catch::StartsWith("syntax error: "));
    std::string dots = "a";
    for (int i = 0; i < 50'000; ++i) dots += ".a";
    for (const auto& deep :
         {dots + " = 1", '[' + dots + ']', "a = {b = 1, " + dots + " = 1}", "\"a\" . 'a' " + dots.substr(1) + "= 1"}) {
        CHECK(mistakes("# ...\n" + deep) == std::vector{Mistake{2, "", "syntax error: a key with too many dots"}});
    }
    const std::string many(1000, '.');
    CHECK(mistakes("# " + many + "\n[host] # " + many + "\nname = \"x" + many + "\\\"" + many + "\"").at(0).key ==
          "host.name");
    CHECK(mistakes("a = \"\"\"" + many + "\n" + many + "\"\"\"\nb = '''\n" + many + "'''\nc = '" + many + "'").size() ==
          3);
    CHECK(mistakes("[pools.\"\\u0000\"]").at(0).key == "pools.\"\\x00\"");
}

TEST_CASE("many mistakes are cut in the text, not in the list, and take no time") {
    std::string text = "[host]\n";
    for (int i = 0; i < 20'000; ++i) text += "k" + std::to_string(i) + " = 1\n";
    const auto begin = std::clock();
    try {
        (void)parse_settings(text, "f");
        FAIL("accepted");
    } catch (const config::ConfigError& error) {
        CHECK(error.mistakes().size() == 20'000);
        CHECK_THAT(error.what(), Catch::EndsWith("f: and 19800 more"));
    }
    CHECK(seconds_since(begin) < 5);
}

TEST_CASE("every cut of a good configuration is read or refused, never worse") {
    const std::string text =
        "[providers.m]\ntype = \"manual\"\naddresses = [\"192.0.2.0/30\", {address = \"192.0.2.9\", mac = "
        "\"02:00:00:00:00:09\"}]\n"
        "[pools.p]\nprovider = \"m\"\nbridges = [\"br0\"]\nhostname = \"{name}.example.com\"\ncooldown = \"5m\"\n";
    for (std::size_t size = 0; size <= text.size(); ++size) CHECK_NOTHROW(mistakes(text.substr(0, size)));
    CHECK(mistakes(text).empty());
}

TEST_CASE("letters beyond ASCII are welcome in strings and comments, and a syntax error elsewhere") {
    const std::string umlaut = "\xC3\xA4\xD0\x96\xE2\x82\xAC\xF0\x9F\x98\x80";
    CHECK(mistakes("# " + umlaut + "\n[host] # " + umlaut + "\n").empty());
    CHECK(mistakes("a = \"\"\"x \\\n  " + umlaut + "\"\"\"").at(0).text == "unknown key");
    for (const auto& wrong : {umlaut + " = 1", "a = " + umlaut, "a = 1 " + umlaut, "[" + umlaut + "]",
                              "a = [" + umlaut + "]", "a = \"\\" + umlaut + "\"", "a = \"\"\"\\" + umlaut + "\"\"\""}) {
        INFO(wrong);
        CHECK_THAT(mistakes(wrong).at(0).text, Catch::StartsWith("syntax error: "));
    }
}
