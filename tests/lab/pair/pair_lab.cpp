#include "lab/pair/pair_lab.hpp"

#include "support/wait_until.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

constexpr auto watcher_program = FIP_BIN "/failover-ip-proxmox";
constexpr auto pve_path = "/sbin:/bin:/usr/sbin:/usr/bin";

// What pmxcfs serves is reached through /proc; it allows others than the host's own processes.
std::string outside(const LabHost& host, const std::string& path) {
    return "/proc/" + std::to_string(host.init_pid()) + "/root" + path;
}

}  // namespace

GuardLab::Options PairLab::usual() {
    GuardLab::Options options;
    options.daemon.addresses = {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"};
    options.daemon.interval = "2s";
    options.daemon.grace = "1s";
    return options;
}

PairLab::PairLab(GuardLab::Options options) : guard{std::move(options)} {
    must({FIP_PAIR_FOLDER "/pve-on-host", FIP_SIM_PVE_PROGRAM});
    start_pmxcfs();
    std::filesystem::copy_file(FIP_BIN "/failover-ip-proxmox-hook",
                               outside(lab.host, "/var/lib/vz/snippets/failover-ip"));
    must({"/bin/sh", "-c",
          "mkdir -p /etc/pve/failover-ip && echo 0.1.0 >/etc/pve/failover-ip/lab && "
          "printf 'dir: local\\n\\tpath /var/lib/vz\\n\\tcontent snippets\\n' >/etc/pve/storage.cfg"});
}

void PairLab::start_pmxcfs() {
    const auto place = std::to_string(lab.host.init_pid()) + ":/etc/pve=lab";
    pmxcfs_.emplace(Command{{FIP_SIM_PMXCFS_PROGRAM, place, "--state", lab.host.folder() + "/pmxcfs"}});
    const bool is_ready = wait_until([&] { return pmxcfs_->out() == "ready\n" || !pmxcfs_->is_running(); }, 20s);
    if (!is_ready || !pmxcfs_->is_running()) throw std::runtime_error{"pmxcfs does not start: " + pmxcfs_->err()};
}

void PairLab::start_libvirt_daemon(std::map<std::string, std::string> environment) {
    lab.start_daemon(std::move(environment));
}

void PairLab::start_watcher(std::map<std::string, std::string> environment) {
    environment.try_emplace("PATH", pve_path);
    watcher_.emplace(lab.host.spawn({watcher_program, "watch"}, std::move(environment)));
    const bool is_up = wait_until(
        [&] {
            const auto said = watcher_log();
            return !watcher_->is_running() ||
                   (said.find("ready: ") != said.npos && said.find("pmxcfs-watched: ") != said.npos);
        },
        20s);
    if (!is_up || !watcher_->is_running()) throw std::runtime_error{"the watcher does not come up: " + watcher_log()};
}

std::string PairLab::must(std::vector<std::string> argv) {
    std::string words;
    for (const auto& word : argv) words += word + " ";
    Command command{std::move(argv)};
    command.environment["PATH"] = pve_path;
    command.environment["HOME"] = "/root";
    // execvpe() looks in our own PATH, and may find another one there.
    if (command.argv.at(0).find('/') == std::string::npos) command.argv[0] = "/usr/sbin/" + command.argv[0];
    const auto done = lab.host.exec(std::move(command));
    if (done.exit_code != 0) throw std::runtime_error{words + "-> " + done.err + done.out};
    return done.out;
}

void PairLab::create_vm(int vmid, const std::string& name) {
    must({"qm", "create", std::to_string(vmid), "--name", name, "--net0", "virtio,bridge=br0", "--memory", "64"});
}

void PairLab::destroy_vm(int vmid) {
    must({"qm", "destroy", std::to_string(vmid)});
}

void PairLab::define(const std::string& name, int number) {
    IdleGuest guest;
    guest.name = name;
    guest.uuid = numbered_uuid(number);
    lab.host.define(guest.xml());
}

std::string PairLab::vm_mac(int vmid) const {
    std::ifstream file{outside(lab.host, "/etc/pve/nodes/lab/qemu-server/" + std::to_string(vmid) + ".conf")};
    const std::string opening = "net0: virtio=";
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(opening)) continue;
        auto mac = line.substr(opening.size(), 17);
        std::ranges::transform(mac, mac.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return mac;
    }
    return {};
}

std::vector<Lease> PairLab::held_by(GuestKind kind) const {
    auto all = lab.rows();
    std::erase_if(
        all, [&](const Lease& lease) { return !is_held(lease.state) || !lease.guest || lease.guest->kind != kind; });
    return all;
}

std::optional<Lease> PairLab::lease_of(GuestKind kind, const std::string& name) const {
    auto held = held_by(kind);
    std::erase_if(held, [&](const Lease& lease) { return lease.guest_name != name; });
    return held.size() == 1 ? std::optional{held.front()} : std::nullopt;
}

bool PairLab::is_served(GuestKind kind, const std::string& name, int vmid) {
    const auto lease = lease_of(kind, name);
    if (!lease || lease->state != LeaseState::active || !lease->mac) return false;
    const auto mac = lease->mac->text();
    const auto entry = lab.provider.find(lease->address.text());
    if (!entry || entry->mac != mac) return false;
    return kind == GuestKind::proxmox ? vm_mac(vmid) == mac : lab.macs(name) == std::vector{mac};
}

bool PairLab::is_waiting(GuestKind kind, const std::string& name) const {
    return std::ranges::any_of(lab.notes(NoteKind::waiting),
                               [&](const GuestNote& note) { return note.guest.kind == kind && note.name == name; });
}

std::string PairLab::story() const {
    return lab.story() + "\n--- watcher\n" + watcher_log();
}

}  // namespace fip::test
