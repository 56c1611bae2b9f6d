// Held against what the real qm and pmxcfs of PVE 8.4 wrote and printed.
#include "support/pve_node.hpp"

#include <boost/json.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace fip::test;
namespace fs = std::filesystem;

namespace {

std::string data_folder() {
    const char* chosen = std::getenv("FIP_SHARED_DATA");
    return chosen == nullptr ? FIP_PVE_DATA : std::string{chosen} + "/pve";
}

std::optional<std::string> recorded(const std::string& name) {
    std::ifstream file{data_folder() + "/" + name, std::ios::binary};
    if (!file) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

// What PVE makes up.
std::string without_chance(std::string text) {
    static const std::vector<std::pair<std::regex, std::string>> patterns{
        {std::regex{"BC:24:11(:[0-9A-F]{2}){3}"}, "BC:24:11:RA:ND:OM"},
        {std::regex{"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"}, "UUID"},
        {std::regex{"ctime=[0-9]+"}, "ctime=NOW"},
        {std::regex{"snaptime: [0-9]+"}, "snaptime: NOW"}};
    for (const auto& [pattern, word] : patterns) text = std::regex_replace(text, pattern, word);
    return text;
}

// QEMU's own words are not the simulator's.
std::string without_kvm(const std::string& text) {
    return std::regex_replace(text, std::regex{"kvm: failed [^\n]*\n"}, "");
}

std::vector<std::string> cases() {
    std::vector<std::string> names;
    if (!fs::exists(data_folder())) return names;
    for (const auto& file : fs::directory_iterator{data_folder()}) {
        if (file.path().extension() == ".cmd") names.push_back(file.path().stem());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::map<std::string, std::string> guests_of(const std::string& vmlist) {
    std::map<std::string, std::string> guests;
    const std::regex line{R"re("(\d+)": \{ "node": "([^"]*)", "type": "([^"]*)", "version": \d+ \})re"};
    for (std::sregex_iterator i{vmlist.begin(), vmlist.end(), line}, end; i != end; ++i) {
        guests[(*i)[1]] = (*i)[2].str() + " " + (*i)[3].str();
    }
    return guests;
}

int version_of(const std::string& vmlist) {
    std::smatch match;
    return std::regex_search(vmlist, match, std::regex{"\"version\": (\\d+),?\n"}) ? std::stoi(match[1]) : 0;
}

// `qm create 107 ...` writes 107, `qm clone 107 110` writes 110: what is recorded is the file of the guest that was
// made.
int vmid_of(const std::string& command) {
    std::smatch match;
    const std::regex clone{"qm clone \\d+ (\\d+)"};
    if (std::regex_search(command, match, clone)) return std::stoi(match[1]);
    return std::regex_search(command, match, std::regex{"qm \\w+ (\\d+)"}) ? std::stoi(match[1]) : 0;
}

}  // namespace

TEST_CASE("the simulated qm answers and writes as the real one did, command by command") {
    const auto why = why_no_pve_node();
    if (!why.empty() || cases().empty()) {
        WARN("SKIPPED: " << (why.empty() ? "no recorded commands in " + data_folder() : why));
        return;
    }
    PveNode::Options options;
    options.has_network = false;
    options.environment = {{"LC_ALL", "C.UTF-8"}};  // as theirs was: qm reads its arguments by it
    PveNode node{options};
    node.put_snippet("hook.sh", "#!/bin/sh\nexit 0\n");
    node.write("/etc/failover-ip/key.pub",
               "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtz0EaWFk8L4gaNljP5+u0DRbNNV5lGkczNsIAvIQbE user@example.com\n");
    int before = version_of(recorded("01-create-minimal.vmlist").value());
    int ours_before = 0;
    for (const auto& name : cases()) {
        INFO(name);
        auto command = recorded(name + ".cmd").value();
        command = std::regex_replace(command, std::regex{"/root/key.pub"}, "/etc/failover-ip/key.pub");
        const auto vmid = vmid_of(command);
        if (name.find("handmade") != std::string::npos) {
            node.write("/etc/pve/nodes/pve/qemu-server/113.conf", recorded("handmade-113.conf").value());
        }
        const auto result = node.run({"/bin/bash", "-c", command});
        CHECK(without_chance(result.err + result.out + "exit " + std::to_string(result.exit_code) + "\n") ==
              without_chance(without_kvm(recorded(name + ".out").value())));
        const auto expected = recorded(name + ".conf");
        const auto config = node.config(vmid);
        CHECK(config.has_value() == expected.has_value());
        CHECK(without_chance(config.value_or("")) == without_chance(expected.value_or("")));
        // The same guests, and as many writes as PVE makes.
        const auto list = node.read("/etc/pve/.vmlist");
        const auto expected_list = recorded(name + ".vmlist").value();
        CHECK((guests_of(list) == guests_of(expected_list)));
        // How often a person saved the file by hand is unknown.
        const bool is_by_hand = name.find("handmade") != std::string::npos;
        if (ours_before != 0 && !is_by_hand)
            CHECK(version_of(list) - ours_before == version_of(expected_list) - before);
        ours_before = version_of(list);
        before = version_of(expected_list);
        if (name == "25-delsnapshot") {
            const auto object = [](const std::string& text) {
                auto value = boost::json::parse(text.substr(text.find("{"))).as_object();
                value.erase("digest");
                return value;
            };
            CHECK(object(without_chance(
                      node.must({"pvesh", "get", "/nodes/pve/qemu/107/config", "--output-format", "json"}))) ==
                  object(without_chance(recorded("config-107.json").value())));
            CHECK(without_chance(node.must({"qm", "config", "107"})) ==
                  without_chance(recorded("config-107.txt").value()));
        }
    }
}

TEST_CASE("the simulated pct writes a container's file as the real writer did") {
    const auto why = why_no_pve_node();
    if (!why.empty() || cases().empty()) {
        WARN("SKIPPED: " << (why.empty() ? "no recorded files in " + data_folder() : why));
        return;
    }
    PveNode::Options options;
    options.has_network = false;
    PveNode node{options};
    for (const int vmid : {200, 201, 202}) {
        const auto name = "lxc-" + std::to_string(vmid);
        node.write("/etc/pve/nodes/pve/lxc/" + std::to_string(vmid) + ".conf", recorded(name + ".before.conf").value());
        node.must({"pct", "unlock", std::to_string(vmid)});  // reads and writes, and changes nothing
        CHECK(node.config(vmid) == recorded(name + ".conf"));
    }
}
