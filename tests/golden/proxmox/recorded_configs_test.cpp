// Reads and edits what the real qm and pct of PVE 8.4 wrote. The files are not part of this project: FIP_SHARED_DATA
// names the folder that holds pve/; without it these tests are skipped.
#include "appearance.hpp"
#include "guest_config.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>
#include <sstream>

using namespace fip;
using namespace fip::proxmox;
namespace fs = std::filesystem;

namespace {

fs::path data_folder() {
    const char* const given = std::getenv("FIP_SHARED_DATA");
    return fs::path{given != nullptr && *given != '\0' ? given : FIP_DEFAULT_DATA} / "pve";
}

std::string read(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

bool is_missing() {
    if (fs::is_directory(data_folder())) return false;
    std::cout << "SKIPPED: no recorded configs in " << data_folder() << "; set FIP_SHARED_DATA\n";
    return true;
}

struct Recorded {
    std::string name;
    GuestConfig config;
};

std::vector<Recorded> recorded() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator{data_folder()}) {
        if (entry.path().extension() == ".conf") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::vector<Recorded> result;
    for (const auto& file : files) {
        const auto name = file.filename().string();
        const auto type = name.starts_with("lxc-") ? GuestType::container : GuestType::vm;
        result.push_back({name, GuestConfig{type, read(file)}});
    }
    return result;
}

/// 10-set-mac: `before` and `after` of one command.
GuestConfig config_of(const std::string& name, GuestType type = GuestType::vm) {
    const auto file = data_folder() / (name + ".conf");
    REQUIRE(fs::is_regular_file(file));
    return {type, read(file)};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
}

/// Proxmox sorts keys when it writes; we leave them where they are.
std::vector<std::string> sorted_lines(const GuestConfig& config) {
    auto lines = lines_of(config.text());
    std::ranges::sort(lines);
    return lines;
}

/// Those that `before` lacks, and how many it has more than `after`.
std::pair<std::vector<std::string>, std::size_t> changed_lines(const GuestConfig& before, const std::string& after) {
    auto old_lines = lines_of(before.text());
    std::vector<std::string> added;
    for (const auto& line : lines_of(after)) {
        const auto found = std::ranges::find(old_lines, line);
        if (found == old_lines.end()) {
            added.push_back(line);
        } else {
            old_lines.erase(found);
        }
    }
    return {added, old_lines.size()};
}

/// The main section as a test may read it: every line before the first section.
std::optional<std::string> plain_value(const std::string& text, const std::string& key) {
    std::optional<std::string> result;
    for (const auto& line : lines_of(text)) {
        if (line.starts_with('[')) break;
        if (!line.starts_with(key + ":")) continue;
        auto value = line.substr(key.size() + 1);
        while (value.starts_with(' ')) value.erase(0, 1);
        while (value.ends_with(' ')) value.pop_back();
        result = value;
    }
    return result;
}

}  // namespace

TEST_CASE("every recorded config comes out as it went in") {
    if (is_missing()) return;
    const auto all = recorded();
    CHECK(all.size() > 60);
    for (const auto& [name, config] : all) {
        INFO(name);
        CHECK(changed_text(config, {}) == config.text());
        std::vector<ConfigChange> same{{"description", config.description()}};
        for (const std::string key : {"net0", "net1", "tags", "hookscript", "ipconfig0"}) {
            if (const auto value = config.value(key)) same.push_back({key, std::string{*value}});
        }
        CHECK(changed_text(config, same) == config.text());
    }
}

TEST_CASE("every recorded config is read as its lines say") {
    if (is_missing()) return;
    for (const auto& [name, config] : recorded()) {
        INFO(name);
        const bool is_vm = config.type() == GuestType::vm;
        CHECK(config.name() == plain_value(config.text(), is_vm ? "name" : "hostname").value_or(""));
        CHECK(config.lock() == plain_value(config.text(), "lock").value_or(""));
        CHECK(config.hookscript() == plain_value(config.text(), "hookscript").value_or(""));
        CHECK(config.uuid() == plain_value(config.text(), "smbios1").value_or("uuid=").substr(5));
        CHECK(config.is_template() == (plain_value(config.text(), "template") == "1"));
        std::size_t count = 0;
        for (int number = 0; number < 32; ++number) {
            const auto net = plain_value(config.text(), "net" + std::to_string(number));
            if (!net) continue;
            const auto nics = config.nics();
            REQUIRE(nics.size() > count);
            const auto& nic = nics[count++];
            CHECK(nic.number == number);
            std::smatch match;
            REQUIRE(std::regex_search(*net, match, std::regex{"=((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})"}));
            CHECK(nic.mac == Mac::parse(match[1].str()));
            const bool has_bridge = std::regex_search(*net, match, std::regex{"bridge=([^,]+)"});
            CHECK(nic.bridge == (has_bridge ? match[1].str() : ""));
            CHECK(nic.is_tagged == (net->find("tag=") != std::string::npos));
        }
        CHECK(config.nics().size() == count);
    }
}

TEST_CASE("one key of a recorded config changes one line") {
    if (is_missing()) return;
    for (const auto& [name, config] : recorded()) {
        for (const std::string key : {"net0", "net7", "tags", "hookscript", "ipconfig0"}) {
            INFO(name << ", " << key);
            const auto changed = changed_text(config, {{key, "new"}});
            const auto [added, gone] = changed_lines(config, changed);
            CHECK(added == std::vector<std::string>{key + ": new"});
            CHECK(gone == (config.value(key) ? 1U : 0U));
            const GuestConfig again{config.type(), changed};
            CHECK(again.value(key) == "new");
            const auto removed = changed_text(config, {{key, std::nullopt}});
            CHECK(changed_lines(config, removed).first.empty());
            CHECK(changed_lines(config, removed).second == (config.value(key) ? 1U : 0U));
        }
    }
}

TEST_CASE("a MAC is set as qm sets it") {
    if (is_missing()) return;
    const auto set = [](const std::string& name, const std::string& key, const std::string& mac) {
        const auto before = config_of(name + ".before");
        const auto net = with_mac(GuestType::vm, *before.value(key), Mac::parse(mac));
        return changed_text(before, {{key, net}});
    };
    CHECK(set("10-set-mac", "net0", "52:54:00:11:22:33") == config_of("10-set-mac").text());

    // Without hot-plug qm leaves the same value among what is pending.
    const auto pending = config_of("33-set-pending-mac");
    const auto before = config_of("33-set-pending-mac.before");
    const auto net = with_mac(GuestType::vm, *before.value("net0"), Mac::parse("52:54:00:cc:00:02"));
    CHECK(net == pending.planned_value("net0"));
    CHECK(pending.value("net0") == before.value("net0"));
    CHECK(pending.nics()[0].mac == Mac::parse("52:54:00:cc:00:01"));
    CHECK(pending.planned_nics()[0].mac == Mac::parse("52:54:00:cc:00:02"));
    auto wanted = before.text();
    wanted.replace(wanted.find("CC:00:01"), 8, "CC:00:02");
    CHECK(set("33-set-pending-mac", "net0", "52:54:00:cc:00:02") == wanted);
}

TEST_CASE("tags, hookscript, NICs and descriptions are set as qm sets them") {
    if (is_missing()) return;
    const auto check = [](const std::string& name, const std::vector<ConfigChange>& changes) {
        INFO(name);
        const auto before = config_of(name + ".before");
        const GuestConfig ours{GuestType::vm, changed_text(before, changes)};
        CHECK(sorted_lines(ours) == sorted_lines(config_of(name)));
        CHECK(ours.description() == config_of(name).description());
    };
    check("12-set-two-options",
          {{"net1", "virtio=52:54:00:44:55:66,bridge=vmbr1,queues=4"}, {"tags", "a;fip-203.0.113.7"}});
    check("14-set-description", {{"description", "hello: world\n50% off"}});
    check("15-set-tags-odd", {{"tags", "a;b;c"}});
    check("20-set-hookscript", {{"hookscript", "local:snippets/hook.sh"}});
    check("22-set-after-snapshot", {{"net0", "virtio=52:54:00:77:88:99,bridge=vmbr0"}, {"tags", "prod"}});
}

TEST_CASE("a description is encoded as qm encodes it") {
    if (is_missing()) return;
    const auto rich = config_of("08-create-rich");
    CHECK(rich.description() == "# Heading\n\nfirst: line with a colon, 100% & <b>html</b>\n\nüñï ✓\n* item");
    const auto without = changed_text(rich, {{"description", std::nullopt}});
    CHECK(without.find('#') == std::string::npos);
    CHECK(changed_text({GuestType::vm, without}, {{"description", rich.description()}}) == rich.text());
}

TEST_CASE("Proxmox' own rewriting changes nothing of what we read") {
    if (is_missing()) return;
    const auto same = [](const GuestConfig& before, const GuestConfig& after) {
        CHECK(before.name() == after.name());
        CHECK(before.nics() == after.nics());
        CHECK(before.planned_nics() == after.planned_nics());
        CHECK(before.tags() == after.tags());
        CHECK(before.hookscript() == after.hookscript());
        CHECK(before.description() == after.description());
        CHECK(before.planned_value("memory") == after.planned_value("memory"));
    };
    same(config_of("30-handmade-rewritten.before"), config_of("30-handmade-rewritten"));
    for (const std::string name : {"lxc-200", "lxc-201", "lxc-202"}) {
        INFO(name);
        same(config_of(name + ".before", GuestType::container), config_of(name, GuestType::container));
    }
}

TEST_CASE("every recorded guest is given an address, and gives it back") {
    if (is_missing()) return;
    const auto address = Address::parse("203.0.113.77");
    for (const auto& [name, config] : recorded()) {
        INFO(name);
        Appearance wanted;
        for (const auto& nic : config.planned_nics()) {
            wanted.nics.push_back({nic.number, nic.mac, {address}, {}, "web1.vm.example.com", "active"});
        }
        wanted.is_ours = [&](const Address& each) { return each == address; };
        const GuestConfig given{config.type(), changed_text(config, changes_for(config, wanted))};
        CHECK(changes_for(given, wanted).empty());
        wanted.nics.clear();
        auto expected = config.text();
        const std::string tag = ";fip-203.0.113.7";  // somebody set it by hand: it is ours to take
        if (const auto at = expected.find(tag); at != std::string::npos) expected.erase(at, tag.size());
        CHECK(changed_text(given, changes_for(given, wanted)) == expected);
    }
}
