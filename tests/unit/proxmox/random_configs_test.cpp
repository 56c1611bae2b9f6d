// Configs of random lines, whose every line is known to the test, changed at random: what comes out is what the lines
// say, computed here without a parser.
#include "guest_config.hpp"
#include "sample_configs.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace fip;
using namespace fip::proxmox;

namespace {

constexpr unsigned int seed = 20240501;
constexpr int rounds = 3000;

struct Known {
    std::string key;  ///< Empty: a blank line, a section's head or one that Proxmox does not understand.
    std::string text;
    bool is_main = true;
};

class Random {
public:
    std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>{0, limit - 1}(engine_); }
    const std::string& of(const std::vector<std::string>& words) { return words[below(words.size())]; }

    std::string text(std::size_t longest) {
        static const std::vector<std::string> pieces{
            "a",       "Z",           "9", ",", "=", ";", ":",    "%",
            "/",       " ",           "#", "[", "]", "ü", "\xff", "<!-- failover-ip -->",
            "virtio=", "bridge=vmbr0"};
        std::string result;
        for (auto size = below(longest + 1); size > 0; --size) result += of(pieces);
        return result;
    }

    std::string value() {
        auto result = "v" + text(8);
        while (result.back() == ' ') result.pop_back();
        return result;
    }

    std::string mac() { return Mac::local(engine_()).text(); }

private:
    std::mt19937 engine_{seed};
};

const std::vector<std::string> keys{"name",      "hostname", "memory",     "net0", "net1", "net31",
                                    "ipconfig0", "tags",     "hookscript", "lock", "meta", "unused0"};

std::vector<Known> random_lines(Random& random) {
    std::vector<Known> lines;
    bool is_main = true;
    for (auto count = random.below(25); count > 0; --count) {
        switch (random.below(10)) {
        case 0:
            lines.push_back({"", std::string(random.below(3), ' '), is_main});
            break;
        case 1:
            lines.push_back({"#", "#" + random.text(10), is_main});
            break;
        case 2:
            lines.push_back({"", random.of({"lxc.apparmor.profile: x", "not a line", "Name: x", " name: x"}), is_main});
            break;
        case 3:
            if (random.below(4) != 0) break;
            is_main = false;
            lines.push_back({"", random.of({"[snap1]", "[pve:pending]", "[Other_one-2]  "}), is_main});
            break;
        default:
            const auto key = random.of(keys);
            lines.push_back({key, key + ":" + random.of({"", " ", "\t "}) + random.value(), is_main});
        }
    }
    return lines;
}

std::string joined(const std::vector<Known>& lines, const std::string& end) {
    std::string text;
    for (const auto& line : lines) text += line.text + end;
    return text;
}

void apply(std::vector<Known>& lines, const ConfigChange& change) {
    const auto is_of_key = [&](const Known& line) { return line.is_main && line.key == change.key; };
    if (!change.value) {
        std::erase_if(lines, is_of_key);
        return;
    }
    const auto text = change.key + ": " + *change.value;
    const auto last = std::find_if(lines.rbegin(), lines.rend(), is_of_key);
    if (last != lines.rend()) {
        const auto old = last->text.substr(change.key.size() + 1);
        if (old.substr(old.find_first_not_of(" \t")) != *change.value) last->text = text;
        return;
    }
    auto end = std::ranges::find_if(lines, [](const Known& line) { return !line.is_main; });
    while (end != lines.begin() && std::prev(end)->text.find_first_not_of(' ') == std::string::npos) --end;
    lines.insert(end, {change.key, text, true});
}

}  // namespace

TEST_CASE("random changes of random configs do what they say and nothing else") {
    Random random;
    for (int round = 0; round < rounds; ++round) {
        const auto type = random.below(2) == 0 ? GuestType::vm : GuestType::container;
        const std::string end = random.below(4) == 0 ? "\r\n" : "\n";
        auto lines = random_lines(random);
        const auto text = joined(lines, end);
        INFO("round " << round << ":\n" << text);
        const GuestConfig config{type, text};
        REQUIRE(changed_text(config, {}) == text);

        std::vector<ConfigChange> changes;
        for (auto count = random.below(4); count > 0; --count) {
            const auto key = random.of(keys);
            const bool is_known =
                std::ranges::any_of(changes, [&](const ConfigChange& change) { return change.key == key; });
            if (is_known) continue;
            changes.push_back({key, random.below(3) == 0 ? std::nullopt : std::optional{random.value()}});
        }
        for (const auto& change : changes) apply(lines, change);
        const auto changed = changed_text(config, changes);
        // With no line there is none to take the break from.
        if (text.find('\n') != std::string::npos) REQUIRE(changed == joined(lines, end));

        const GuestConfig again{type, changed};
        for (const auto& change : changes) {
            const auto value = again.value(change.key);
            REQUIRE(value.has_value() == change.value.has_value());
            if (value) REQUIRE(*value == *change.value);
        }
        REQUIRE(changed_text(again, changes) == changed);
        REQUIRE(again.description() == config.description());
    }
}

TEST_CASE("random descriptions are read back, and leave every other line alone") {
    Random random;
    for (int round = 0; round < rounds; ++round) {
        const auto type = random.below(2) == 0 ? GuestType::vm : GuestType::container;
        auto lines = random_lines(random);
        const auto text = joined(lines, "\n");
        std::string description;
        for (auto count = random.below(5); count > 0; --count) description += random.text(6) + "\n";
        description += random.value();
        INFO("round " << round << ":\n" << text << "\nnow:\n" << description);

        const auto changed = changed_text(GuestConfig{type, text}, {{"description", description}});
        const GuestConfig again{type, changed};
        REQUIRE(again.description() == description);
        REQUIRE(changed_text(again, {{"description", description}}) == changed);

        auto others = samples::lines_of(changed);
        std::size_t first_other = 0;
        while (first_other < others.size() && !others[first_other].starts_with('[')) ++first_other;
        std::vector<std::string> main_lines{others.begin(), others.begin() + static_cast<std::ptrdiff_t>(first_other)};
        std::erase_if(main_lines, [](const std::string& line) { return line.starts_with('#'); });
        main_lines.insert(main_lines.end(), others.begin() + static_cast<std::ptrdiff_t>(first_other), others.end());
        std::erase_if(lines, [](const Known& line) { return line.is_main && line.key == "#"; });
        REQUIRE(main_lines == samples::lines_of(joined(lines, "\n")));
    }
}

TEST_CASE("random MACs are written and read back in every sample") {
    Random random;
    for (const auto& [name, type, text] : samples::all()) {
        const GuestConfig config{type, text};
        for (const auto& nic : config.nics()) {
            INFO(name << ", net" << nic.number);
            const auto key = "net" + std::to_string(nic.number);
            const auto mac = Mac::parse(random.mac());
            const auto net = with_mac(type, *config.value(key), mac);
            const GuestConfig again{type, changed_text(config, {{key, net}})};
            auto expected = nic;
            expected.mac = mac;
            const auto nics = again.nics();
            CHECK(std::ranges::find(nics, expected) != nics.end());
            CHECK(nics.size() == config.nics().size());
            CHECK(with_mac(type, net, mac) == net);
        }
    }
}
