#include "core/errors.hpp"
#include "guest_config.hpp"
#include "sample_configs.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace fip;
using namespace fip::proxmox;

namespace {

std::string vm(const std::string& text, const std::vector<ConfigChange>& changes) {
    return changed_text(GuestConfig{GuestType::vm, text}, changes);
}

/// Lines of one that the other lacks, in order, by the longest run that both begin and end with.
struct Difference {
    std::vector<std::string> gone;
    std::vector<std::string> added;
};

Difference difference(const std::string& before, const std::string& after) {
    auto a = samples::lines_of(before);
    auto b = samples::lines_of(after);
    const auto [first_a, first_b] = std::ranges::mismatch(a, b);
    a.erase(a.begin(), first_a);
    b.erase(b.begin(), first_b);
    while (!a.empty() && !b.empty() && a.back() == b.back()) {
        a.pop_back();
        b.pop_back();
    }
    return {a, b};
}

bool has_returns(const std::string& text) {
    return text.find("\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("no change gives the same bytes") {
    for (const auto& [name, type, text] : samples::all()) {
        INFO(name);
        const GuestConfig config{type, text};
        CHECK(changed_text(config, {}) == text);
        std::vector<ConfigChange> same;
        for (const std::string key : {"name", "net0", "tags", "hookscript", "ipconfig0", "memory"}) {
            const auto value = config.value(key);
            if (value && !value->empty()) same.push_back({key, std::string{*value}});
        }
        if (!config.description().empty()) same.push_back({"description", config.description()});
        CHECK(changed_text(config, same) == text);
    }
}

TEST_CASE("a changed key changes one line") {
    for (const auto& [name, type, text] : samples::all()) {
        for (const std::string key : {"net0", "tags", "hookscript", "ipconfig0", "net17"}) {
            INFO(name << ", " << key);
            const GuestConfig config{type, text};
            const std::string value = "a-new:value;of=it";
            const auto changed = changed_text(config, {{key, value}});
            const auto [gone, added] = difference(text, changed);
            const std::string end = has_returns(text) ? "\r" : "";
            CHECK(added == std::vector<std::string>{key + ": " + value + end});
            if (config.value(key)) {
                REQUIRE(gone.size() == 1);
                CHECK(gone[0].starts_with(key + ":"));
            } else {
                CHECK(gone.empty());
            }
            const GuestConfig again{type, changed};
            CHECK(again.value(key) == value);
            CHECK(again.description() == config.description());
            CHECK(changed_text(again, {{key, value}}) == changed);
        }
    }
}

TEST_CASE("a removed key takes its lines with it, and no other") {
    for (const auto& [name, type, text] : samples::all()) {
        for (const std::string key : {"net0", "tags", "name", "hookscript", "nosuchkey"}) {
            INFO(name << ", " << key);
            const GuestConfig config{type, text};
            const auto changed = changed_text(config, {{key, std::nullopt}});
            const GuestConfig again{type, changed};
            CHECK(again.value(key) == std::nullopt);
            if (!config.value(key)) CHECK(changed == text);
            auto before = samples::lines_of(text);
            auto after = samples::lines_of(changed);
            std::erase_if(before, [&](const std::string& line) { return line.starts_with(key + ":"); });
            std::erase_if(after, [&](const std::string& line) { return line.starts_with(key + ":"); });
            CHECK(before == after);
        }
    }
}

TEST_CASE("a new key comes at the end of the main section") {
    CHECK(vm("a: 1\n\n[PENDING]\na: 2\n", {{"tags", "x"}}) == "a: 1\ntags: x\n\n[PENDING]\na: 2\n");
    CHECK(vm("[s]\na: 2\n", {{"tags", "x"}}) == "tags: x\n[s]\na: 2\n");
    CHECK(vm("", {{"tags", "x"}}) == "tags: x\n");
    CHECK(vm("a: 1", {{"tags", "x"}}) == "a: 1\ntags: x");
    CHECK(vm("a: 1\r\n\r\n[s]\r\n", {{"tags", "x"}}) == "a: 1\r\ntags: x\r\n\r\n[s]\r\n");
    CHECK(vm("a: 1\r\nb: 2", {{"tags", "x"}}) == "a: 1\r\nb: 2\r\ntags: x");
}

TEST_CASE("of several lines the last changes, and all go") {
    const std::string text = "net0: a\nname: x\nnet0: b\n[s]\nnet0: c\n";
    CHECK(vm(text, {{"net0", "d"}}) == "net0: a\nname: x\nnet0: d\n[s]\nnet0: c\n");
    CHECK(vm(text, {{"net0", std::nullopt}}) == "name: x\n[s]\nnet0: c\n");
    CHECK(vm("net0: a\nnet1: b\nnet10: c\n", {{"net1", std::nullopt}}) == "net0: a\nnet10: c\n");
}

TEST_CASE("several changes are made together") {
    CHECK(
        vm("name: a\ntags: t\n", {{"tags", std::nullopt}, {"name", "b"}, {"hookscript", "c"}, {"description", "d"}}) ==
        "#d\nname: b\nhookscript: c\n");
}

TEST_CASE("a description takes the place of the old one, encoded as Proxmox does") {
    CHECK(vm("name: a\n", {{"description", "hello: world\n50% off"}}) == "#hello%3A world\n#50%25 off\nname: a\n");
    CHECK(vm("name: a\n#x\nb: 1\n#y\n[s]\n#z\n", {{"description", "ü\n\n✓"}}) ==
          "name: a\n#%C3%BC\n#\n#%E2%9C%93\nb: 1\n[s]\n#z\n");
    CHECK(vm("name: a\n#x\nb: 1\n#y\n[s]\n#z\n", {{"description", std::nullopt}}) == "name: a\nb: 1\n[s]\n#z\n");
    CHECK(vm("#x\nname: a\n", {{"description", ""}}) == "name: a\n");
    CHECK(vm("", {{"description", "x"}}) == "#x\n");
    CHECK(vm("[s]\n", {{"description", "x"}}) == "#x\n[s]\n");
}

TEST_CASE("lines of the description that stay are not written anew") {
    const std::string text = "name: a\n#one: raw\nb: 1\n#two%3a\nc: 1\n#three\nd: 1\n";
    CHECK(vm(text, {{"description", "one: raw\ntwo:\n3"}}) == "name: a\n#one: raw\nb: 1\n#two%3a\n#3\nc: 1\nd: 1\n");
    CHECK(vm(text, {{"description", "one: raw\ntwo:\nthree\n\nfour"}}) ==
          "name: a\n#one: raw\nb: 1\n#two%3a\nc: 1\n#three\n#\n#four\nd: 1\n");
    CHECK(vm(text, {{"description", "one: raw"}}) == "name: a\n#one: raw\nb: 1\nc: 1\nd: 1\n");
    CHECK(vm("name: a\n#x", {{"description", "x\ny"}}) == "name: a\n#x\n#y");
}

TEST_CASE("a description key is changed where it is") {
    CHECK(vm("name: a\ndescription: x%0Ay\nb: 1\n#z\n", {{"description", "p\nq: "}}) ==
          "name: a\ndescription: p%0Aq%3A%20\nb: 1\n");
    CHECK(vm("name: a\ndescription: x%0Ay\nb: 1\n#z\n", {{"description", std::nullopt}}) == "name: a\nb: 1\n");
}

TEST_CASE("carriage returns stay, and new lines get them too") {
    const std::string text = "#x\r\nname: a\r\n\r\n[s]\r\nname: b\r\n";
    CHECK(vm(text, {{"name", "c"}}) == "#x\r\nname: c\r\n\r\n[s]\r\nname: b\r\n");
    CHECK(vm(text, {{"description", "x\ny"}}) == "#x\r\n#y\r\nname: a\r\n\r\n[s]\r\nname: b\r\n");
}

TEST_CASE("what would not be read back is refused") {
    for (const std::string value : {"", " a", "a ", "a\nname: b", "a\r", "a\tb"}) {
        INFO(value);
        CHECK_THROWS_AS(vm("name: a\n", {{"name", value}}), InputError);
        CHECK_THROWS_AS(vm("", {{"name", value}}), InputError);
    }
    for (const std::string key : {"", "Name", "na me", "name:", "0net", "net0x", "[s]", "#a", "a\nb"}) {
        INFO(key);
        CHECK_THROWS_AS(vm("name: a\n", {{key, "b"}}), InputError);
        CHECK_THROWS_AS(vm("name: a\n", {{key, std::nullopt}}), InputError);
    }
    CHECK(vm("name: a\n", {{"description", "x\nname: b\n[s]\r"}}) == "#x\n#name%3A b\n#[s]%0D\nname: a\n");
}
