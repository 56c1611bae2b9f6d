#include "lab/lab_host.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "support/wait_until.hpp"

namespace fip::test {
namespace {

constexpr auto program = FIP_LAB_FOLDER "/lab-host";

std::string cache() {
    const char* chosen = std::getenv("FIP_LAB_CACHE");
    return chosen != nullptr ? chosen : FIP_LAB_CACHE;
}

std::string read_file(const std::string& name) {
    std::ifstream file{name, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string last_lines(const std::string& text) {
    constexpr std::size_t enough = 2000;
    return text.size() > enough ? text.substr(text.size() - enough) : text;
}

Result checked(Result result, const std::string& what) {
    if (result.exit_code != 0) throw std::runtime_error{what + ": " + last_lines(result.err + result.out)};
    return result;
}

// Built on first use: tests that start no guest do without.
std::string make_guest_image(const std::string& kernel) {
    auto target = cache() + (kernel == "cloud" ? "/guest" : "/guest-" + kernel);
    checked(run({{FIP_LAB_FOLDER "/guest-image", target, "--kernel", kernel, "--tool", FIP_SEND_FRAMES, "--tool",
                  FIP_KEEP_PINGING}},
                300s),
            "guest-image");
    return target;
}

const std::string& guest_image(const std::vector<NicXml>& nics) {
    if (std::any_of(nics.begin(), nics.end(), [](const NicXml& nic) { return nic.model != "virtio"; })) {
        static const auto generic = make_guest_image("generic");
        return generic;
    }
    static const auto cloud = make_guest_image("cloud");
    return cloud;
}

std::string nic_xml(const NicXml& nic) {
    return "    <interface type='bridge'><source bridge='" + nic.bridge + "'/><model type='" + nic.model + "'/>" +
           (nic.mac.empty() ? "" : "<mac address='" + nic.mac + "'/>") + "</interface>\n";
}

std::string serial_xml(const GuestXml& guest) {
    const auto log = "/var/log/libvirt/" + guest.name + ".console'/>";
    if (!guest.has_terminal) return "    <serial type='file'><source path='" + log + "</serial>\n";
    return "    <serial type='unix'><source mode='bind' path='/run/" + guest.name + ".tty'/><log append='off' file='" +
           log + "</serial>\n";
}

}  // namespace

LabHost::LabHost() : LabHost{Options{}} {}

LabHost::LabHost(const Options& options) : options_{options}, folder_{dir_ / "h"} {
    up();
}

// Asked, not killed: then everything inside is dead before the folder goes. Without a host: its start has failed.
LabHost::~LabHost() {
    if (!host_) return;
    host_->signal(SIGTERM);
    try {
        static_cast<void>(host_->wait(10s));
    } catch (const std::exception&) {
        host_->kill();
    }
}

void LabHost::up() {
    Command command{{program, "up", folder_, "--hostname", options_.hostname}};
    if (!options_.uuid.empty()) command.argv.insert(command.argv.end(), {"--uuid", options_.uuid});
    for (const auto& bridge : options_.bridges) command.argv.insert(command.argv.end(), {"--bridge", bridge});
    command.environment["FIP_LAB_CACHE"] = cache();
    host_ = std::make_unique<Process>(command);
    const auto ready = folder_ + "/ready";
    const bool is_up = wait_until([&] { return std::filesystem::exists(ready) || !host_->is_running(); }, 90s);
    if (!is_up || !host_->is_running()) {
        throw std::runtime_error{"the lab host does not come up: " + last_lines(host_->err()) +
                                 last_lines(read_file(folder_ + "/libvirtd.log"))};
    }
    init_pid_ = static_cast<pid_t>(std::stol(read_file(ready)));
}

Result LabHost::exec(std::vector<std::string> argv, std::string input, std::chrono::milliseconds limit) {
    return exec(Command{std::move(argv), std::move(input)}, limit);
}

Result LabHost::exec(Command command, std::chrono::milliseconds limit) {
    command.inside = init_pid_;
    if (command.folder.empty()) command.folder = "/";
    return run(command, limit);
}

Process LabHost::spawn(std::vector<std::string> argv, std::map<std::string, std::string> environment) {
    Command command{std::move(argv), {}, std::move(environment)};
    command.inside = init_pid_;
    command.folder = "/";
    return Process{command};
}

Result LabHost::virsh(std::vector<std::string> arguments, std::chrono::milliseconds limit) {
    arguments.insert(arguments.begin(), {"virsh", "-q", "-c", "qemu:///system"});
    return exec(std::move(arguments), {}, limit);
}

void LabHost::define(const std::string& xml) {
    checked(exec({"virsh", "-q", "-c", "qemu:///system", "define", "/dev/stdin"}, xml), "define");
}

void LabHost::start(const std::string& guest) {
    checked(virsh({"start", guest}), "start " + guest);
}
void LabHost::destroy(const std::string& guest) {
    checked(virsh({"destroy", guest}), "destroy " + guest);
}
void LabHost::undefine(const std::string& guest) {
    checked(virsh({"undefine", guest}), "undefine " + guest);
}

std::string LabHost::live_xml(const std::string& guest) {
    return checked(virsh({"dumpxml", guest}), "dumpxml " + guest).out;
}

std::string LabHost::inactive_xml(const std::string& guest) {
    return checked(virsh({"dumpxml", "--inactive", "--security-info", guest}), "dumpxml " + guest).out;
}

std::string LabHost::state(const std::string& guest) {
    const auto result = virsh({"domstate", guest});
    return result.exit_code == 0 ? result.out.substr(0, result.out.find('\n')) : std::string{};
}

std::vector<std::string> LabHost::guests() {
    std::istringstream lines{checked(virsh({"list", "--all", "--name"}), "list").out};
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) names.push_back(line);
    }
    return names;
}

std::string LabHost::console(const std::string& guest) const {
    return read_file(path("/var/log/libvirt/" + guest + ".console"));
}

bool LabHost::console_shows(const std::string& guest, const std::string& text, std::chrono::milliseconds limit) const {
    return wait_until([&] { return console(guest).find(text) != std::string::npos; }, limit);
}

void LabHost::control(const std::string& command) {
    checked(run({{program, command, folder_}}), "lab-host " + command);
}
void LabHost::stop_libvirtd() {
    control("stop-libvirtd");
}
void LabHost::kill_libvirtd() {
    control("kill-libvirtd");
}
void LabHost::start_libvirtd() {
    control("start-libvirtd");
}
void LabHost::restart_libvirtd() {
    control("restart-libvirtd");
}
void LabHost::new_boot_id() {
    control("new-boot-id");
}

void LabHost::reboot() {
    static_cast<void>(host_->stop());  // how it ended says nothing: the next line tells whether it comes back
    up();
}

std::string LabHost::path(const std::string& inside) const {
    constexpr std::array<std::pair<const char*, const char*>, 7> folders{
        {{"/etc/libvirt", "/etc-libvirt"},
         {"/etc/failover-ip", "/etc-failover-ip"},
         {"/var/lib/libvirt", "/var-lib-libvirt"},
         {"/var/log/libvirt", "/var-log-libvirt"},
         {"/var/cache/libvirt", "/var-cache-libvirt"},
         {"/var/lib/failover-ip", "/var-lib-failover-ip"},
         {"/run", "/run"}}};
    for (const auto& [from, to] : folders) {
        if (inside.rfind(from, 0) == 0) return folder_ + to + inside.substr(std::string{from}.size());
    }
    throw std::logic_error{inside + " is not in a private folder of the lab host"};
}

void LabHost::write(const std::string& inside, const std::string& text, unsigned mode) const {
    const auto name = path(inside);
    std::filesystem::create_directories(std::filesystem::path{name}.parent_path());
    std::ofstream file{name, std::ios::binary | std::ios::trunc};
    file << text;
    file.close();
    if (!file || ::chmod(name.c_str(), static_cast<mode_t>(mode)) != 0)
        throw std::runtime_error{"cannot write " + name};
}

std::string LabHost::uri() const {
    return "qemu+unix:///system?socket=" + path("/run/libvirt/libvirt-sock");
}

void link(const LabHost& one, const LabHost& two) {
    checked(run({{program, "link", one.folder(), two.folder()}}), "lab-host link");
}

std::string domain_xml(const GuestXml& guest) {
    const auto& image = guest_image(guest.nics);
    std::string interfaces;
    for (const auto& nic : guest.nics) interfaces += nic_xml(nic);
    return "<domain type='qemu'>\n  <name>" + guest.name + "</name>\n  <uuid>" + guest.uuid + "</uuid>\n" +
           (guest.metadata.empty() ? "" : "  <metadata>" + guest.metadata + "</metadata>\n") +
           "  <memory unit='MiB'>96</memory>\n  <vcpu>1</vcpu>\n"
           "  <os>\n    <type arch='x86_64' machine='" +
           guest.machine + "'>hvm</type>\n    <kernel>" + image + "/vmlinuz</kernel>\n    <initrd>" + image +
           "/initrd</initrd>\n    <cmdline>console=ttyS0 quiet panic=-1" +
           (guest.kernel_arguments.empty() ? "" : " " + guest.kernel_arguments) + "</cmdline>\n  </os>\n" +
           (guest.has_acpi ? "  <features><acpi/></features>\n" : "") +
           "  <on_poweroff>destroy</on_poweroff>\n  <devices>\n"
           "    <controller type='usb' model='none'/>\n" +
           interfaces + serial_xml(guest) + "    <memballoon model='none'/>\n  </devices>\n</domain>\n";
}

std::string domain_xml(const std::string& name, const std::string& uuid, const std::vector<NicXml>& nics,
                       const std::string& metadata) {
    GuestXml guest;
    guest.name = name;
    guest.uuid = uuid;
    guest.nics = nics;
    guest.metadata = metadata;
    return domain_xml(guest);
}

std::string domain_xml(const std::string& name, const std::string& uuid, const std::string& mac,
                       const std::string& bridge) {
    return domain_xml(name, uuid, std::vector<NicXml>{{mac, bridge}});
}
}  // namespace fip::test
