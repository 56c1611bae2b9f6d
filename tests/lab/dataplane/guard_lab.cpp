#include "lab/dataplane/guard_lab.hpp"

#include "support/wait_until.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

namespace json = boost::json;

DaemonLab::Options for_guard(DaemonLab::Options options) {
    options.hostname.clear();
    return options;
}

std::string text_in(const json::object& object, std::string_view key) {
    const auto* text = object.at(key).if_string();
    return text == nullptr ? std::string{} : std::string{*text};
}

}  // namespace

GuardLab::GuardLab(Options options)
    : lab{for_guard(std::move(options.daemon))}, datacenter{lab.host.folder() + "/run/account.json"} {
    json::array servers;
    for (const auto& [id, address] : lab.options.servers) {
        servers.push_back(json::object{{"id", id}, {"address", address}, {"mac", server_mac}});
    }
    lab.provider.put_state({{"servers", servers}});
    datacenter.attach(lab.host, {"server1", lab.options.servers[0].second, server_mac, uplink, "br0"});
    configure(options.guard);
    const std::filesystem::path hooks = lab.host.path("/etc/libvirt/hooks/qemu.d");
    std::filesystem::create_directories(hooks);
    std::filesystem::copy_file(FIP_BIN "/failover-ip-hook", hooks / "50-failover-ip");
    lab.host.restart_libvirtd();  // it looks for hooks when it starts
}

void GuardLab::configure(const std::string& guard) {
    lab.write_config();
    const std::string file = "/etc/failover-ip/config.toml";
    std::ifstream in{lab.host.path(file)};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    const std::string opening = "[pools.public]\n";
    const auto at = text.find(opening);
    if (at == text.npos) throw std::logic_error{"no pool in the configuration"};
    text.insert(at + opening.size(), "uplinks = [\"" + std::string{uplink} + "\"]\nguard = \"" + guard + "\"\n");
    lab.host.write(file, text, 0600);
}

Result GuardLab::cli(std::vector<std::string> words) {
    words.insert(words.begin(), FIP_BIN "/failover-ip");
    return lab.host.exec(std::move(words));
}

json::object GuardLab::status() {
    const auto said = cli({"guard", "status", "--json"});
    if (said.exit_code != 0) throw std::runtime_error{"guard status: " + said.err};
    return json::parse(said.out).as_object();
}

std::string GuardLab::state() {
    return text_in(status(), "state");
}

std::vector<GuardLab::Stopped> GuardLab::stopped() {
    std::vector<Stopped> all;
    const auto now = status();
    for (const auto& row : now.at("blocked").as_array()) {
        const auto& object = row.as_object();
        all.push_back({text_in(object, "port"), text_in(object, "mac"), text_in(object, "kind"),
                       text_in(object, "name"), text_in(object, "detail"), text_in(object, "sender"),
                       object.at("frames").to_number<std::uint64_t>()});
    }
    return all;
}

bool GuardLab::has_last_wall() {
    const auto now = status();
    for (const auto& bridge : now.at("bridges").as_array()) {
        for (const auto& each : bridge.at("uplinks").as_array()) {
            if (!each.at("last_wall").as_bool()) return false;
        }
    }
    return true;
}

void GuardLab::require_clean_wire() {
    const auto now = port();
    INFO(fabric().story());
    REQUIRE_FALSE(now.closed_by);
    REQUIRE(now.is_open());
    CHECK(now.refused == 0);
    CHECK(now.spoofed == 0);
    CHECK(now.unreadable == 0);
    CHECK(fabric().lost() == 0);
}

TerminalGuest GuardLab::boot(const std::string& name, int number) {
    GuestXml guest;
    guest.name = name;
    guest.uuid = numbered_uuid(number);
    guest.nics = {{}};
    guest.has_terminal = true;
    lab.host.define(domain_xml(guest));
    AWAIT(lab, lab.is_served(name));
    lab.host.start(name);
    configure_guest(name);
    return TerminalGuest{lab.host, name};
}

void GuardLab::configure_guest(const std::string& name) {
    TerminalGuest running{lab.host, name};
    running.wait_until_ready();
    REQUIRE(lab.is_right(name));
    const std::string gateway = Datacenter::gateway;
    const auto done = running.run("ip addr add " + address_of(name) + "/32 dev eth0 && ip route add " + gateway +
                                  " dev eth0 scope link && ip route add default via " + gateway + " dev eth0");
    INFO(done.out);
    REQUIRE(done.exit_code == 0);
}

Lease GuardLab::lease_of(const std::string& guest) {
    const auto held = lab.held_by(guest);
    if (held.empty()) throw std::runtime_error{guest + " holds nothing"};
    return held.front();
}

Result GuardLab::must(std::vector<std::string> argv, std::string input) {
    std::string words;
    for (const auto& word : argv) words += word + " ";
    auto result = lab.host.exec(std::move(argv), std::move(input));
    if (result.exit_code != 0) throw std::runtime_error{words + "-> " + result.err + result.out};
    return result;
}

Process GuardLab::send(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), send_frames_program());
    return lab.host.spawn(std::move(arguments));
}

void GuardLab::add_box(const std::string& name, const std::string& bridge) {
    must({"ip", "netns", "add", name});
    must({"ip", "netns", "exec", name, "tee", "/proc/sys/net/ipv6/conf/default/disable_ipv6"}, "1");
    must({"ip", "link", "add", "v-" + name, "type", "veth", "peer", "name", "eth0", "netns", name});
    must({"ip", "link", "set", "v-" + name, "master", bridge, "up"});
    must({"ip", "-n", name, "link", "set", "eth0", "up"});
}

std::string GuardLab::story() {
    return lab.story() + "--- guard\n" + json::serialize(status()) + "\n--- switch\n" + fabric().story();
}

}  // namespace fip::test
