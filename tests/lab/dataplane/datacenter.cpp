#include "lab/dataplane/datacenter.hpp"

#include "support/wait_until.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

constexpr auto gateway_mac = "02:00:00:00:62:01";

Result checked(Result result, const std::vector<std::string>& argv) {
    if (result.exit_code == 0) return result;
    std::string what;
    for (const auto& word : argv) what += word + " ";
    throw std::runtime_error{what + "-> " + result.err + result.out};
}

// Its first process does nothing: when it dies, all in the namespaces dies. It dies with unshare, and that with us.
Process make_namespace() {
    return Process{
        Command{{"unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", "--", "sleep", "infinity"}}};
}

pid_t first_child(pid_t parent) {
    const auto number = std::to_string(parent);
    std::ifstream children{"/proc/" + number + "/task/" + number + "/children"};
    pid_t child = 0;
    return children >> child ? child : 0;
}

std::string program_of(pid_t process) {
    std::string name;
    std::ifstream{"/proc/" + std::to_string(process) + "/comm"} >> name;
    return name;
}

}  // namespace

Datacenter::Datacenter(const std::string& account) : namespace_{make_namespace()} {
    const auto is_up = [&] { return program_of(init_pid_ = first_child(namespace_.pid())) == "sleep"; };
    if (!wait_until(is_up, 10s)) throw std::runtime_error{"no namespace: " + namespace_.err()};
    make_gateway();
    SwitchSim::Options options;
    options.folder = dir_.path();
    options.account = account;
    options.ports = {std::string{gateway_port} + "=gwp"};
    options.inside = init_pid_;
    fabric_.emplace(options);
}

// In the switch's namespace the kernel must not speak on the ports: no ARP there, and IPv6 nowhere.
void Datacenter::make_gateway() {
    for (const auto* scope : {"all", "default"}) {
        set(std::string{"ipv6/conf/"} + scope + "/disable_ipv6", "1");
        // From guest to guest a packet leaves by the device it came from: no reason to tell the guest.
        set(std::string{"ipv4/conf/"} + scope + "/send_redirects", "0");
    }
    set("ipv4/ip_forward", "1");
    must({"ip", "link", "set", "lo", "up"});
    must({"ip", "link", "add", "gw0", "address", gateway_mac, "type", "veth", "peer", "name", "gwp"});
    must({"ip", "link", "set", "gwp", "arp", "off", "up"});
    must({"ip", "link", "set", "gw0", "up"});
    must({"ip", "addr", "add", std::string{gateway} + "/32", "dev", "gw0"});
    for (const auto* range : {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}) {
        must({"ip", "route", "add", range, "dev", "gw0", "scope", "link"});
    }
}

void Datacenter::attach(LabHost& host, const Uplink& uplink) {
    const auto far_end = "p-" + uplink.port;
    const std::vector<std::string> cable{
        "ip",   "link", "add",         "name",    far_end,    "netns", std::to_string(init_pid_),      "type", "veth",
        "peer", "name", uplink.device, "address", uplink.mac, "netns", std::to_string(host.init_pid())};
    checked(test::run({cable}), cable);
    must({"ip", "link", "set", far_end, "arp", "off", "up"});
    fabric_->plug(uplink.port + "=" + far_end + ",server=" + uplink.server + ",mac=" + uplink.mac);

    // With a default route the machine's name server seems to be there: libvirtd would wait 5 s for it at each start.
    const auto name = checked(host.exec({"uname", "-n"}), {"uname"}).out;
    host.write("/run/hosts", "127.0.0.1 localhost\n" + uplink.server + " " + name);
    host.write("/run/resolv.conf", "nameserver 127.0.0.1\n");
    // Where it is a link into the machine's own /run, it leads nowhere in the host: good enough.
    static_cast<void>(host.exec({"mount", "--bind", "/run/resolv.conf", "/etc/resolv.conf"}));
    const std::vector<std::vector<std::string>> steps{
        {"mount", "--bind", "/run/hosts", "/etc/hosts"},
        {"ip", "link", "set", uplink.bridge, "address", uplink.mac},
        {"ip", "link", "set", uplink.device, "master", uplink.bridge},
        {"ip", "link", "set", uplink.device, "up"},
        {"ip", "addr", "replace", uplink.server + "/32", "dev", uplink.bridge},
        {"ip", "route", "replace", gateway, "dev", uplink.bridge, "scope", "link"},
        {"ip", "route", "replace", "default", "via", gateway, "dev", uplink.bridge}};
    for (const auto& step : steps) checked(host.exec(step), step);
}

Result Datacenter::exec(std::vector<std::string> argv, std::string input, std::chrono::milliseconds limit) {
    Command command{std::move(argv), std::move(input)};
    command.inside = init_pid_;
    command.folder = "/";
    return test::run(command, limit);
}

Process Datacenter::spawn(std::vector<std::string> argv) {
    Command command{std::move(argv)};
    command.inside = init_pid_;
    command.folder = "/";
    return Process{command};
}

void Datacenter::must(std::vector<std::string> argv, std::string input) {
    const auto words = argv;
    checked(exec(std::move(argv), std::move(input)), words);
}

void Datacenter::set(const std::string& name, const std::string& value) {
    must({"tee", "/proc/sys/net/" + name}, value);
}

std::string send_frames_program() {
    return FIP_SEND_FRAMES;
}

std::string keep_pinging_program() {
    return FIP_KEEP_PINGING;
}

}  // namespace fip::test
