#include "lab/libvirt/daemon_lab.hpp"

#include "store/sqlite_lease_store.hpp"
#include "support/wait_until.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace fip::test {
namespace {

constexpr auto program = FIP_BIN "/failover-ip-libvirt";
constexpr auto store_file = "/var/lib/failover-ip/leases.db";

OnlineSimulator::Options simulator_options(const DaemonLab::Options& options, const LabHost& host) {
    OnlineSimulator::Options simulator;
    simulator.folder = host.folder() + "/run";  // gone with the host
    simulator.servers = options.servers;
    for (const auto& address : options.addresses) simulator.addresses.emplace_back(address, options.servers[0].first);
    simulator.busy_seconds = options.busy_seconds;
    simulator.inside = host.init_pid();
    return simulator;
}

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

}  // namespace

DaemonLab::DaemonLab(Options chosen)
    : host{chosen.host}, provider{simulator_options(chosen, host)}, options{std::move(chosen)} {
    host.write("/etc/failover-ip/dedibox.token", provider.token(), 0600);
    write_config();
}

void DaemonLab::write_config() const {
    std::ostringstream text;
    text << "[providers.dedibox]\ntype = \"online\"\nendpoint = " << quoted(provider.endpoint())
         << "\ntoken_file = \"/etc/failover-ip/dedibox.token\"\nserver = " << quoted(options.servers[0].second)
         << "\n[pools.public]\nprovider = \"dedibox\"\nbridges = [\"br0\"]\nwarm = " << options.warm
         << "\ncooldown = " << quoted(options.cooldown) << "\n";
    if (!options.hostname.empty()) text << "hostname = " << quoted(options.hostname) << "\n";
    if (!options.libvirt_uris.empty()) text << "[libvirt]\nuris = " << options.libvirt_uris << "\n";
    text << "\n[reconcile]\ninterval = " << quoted(options.interval) << "\ngrace = " << quoted(options.grace) << "\n";
    host.write("/etc/failover-ip/config.toml", text.str(), 0600);
}

void DaemonLab::start_daemon(std::map<std::string, std::string> environment) {
    daemon_.emplace(host.spawn({program}, std::move(environment)));
    const bool is_up = wait_until(
        [&] {
            const auto said = log();
            return !daemon_->is_running() ||
                   (said.find("ready: ") != said.npos && said.find("libvirt-connected: ") != said.npos);
        },
        20s);
    if (!is_up || !daemon_->is_running()) throw std::runtime_error{"the daemon does not come up: " + log()};
    const auto warm_ones = [&] {
        const auto all = rows();
        return std::ranges::count(all, LeaseState::warm, &Lease::state) >= options.warm;
    };
    // A stock that cannot be made is the test's own business.
    static_cast<void>(wait_until(warm_ones, 3s));
}

Result DaemonLab::stop_daemon() {
    return daemon_->stop(10s);
}

void DaemonLab::kill_daemon() {
    daemon_->kill();
}

void DaemonLab::reload() {
    daemon_->signal(SIGHUP);
}

Result DaemonLab::once(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program, "--once"});
    return host.exec(std::move(arguments));
}

std::vector<Lease> DaemonLab::rows() const {
    const auto file = host.path(store_file);
    if (!std::filesystem::exists(file)) return {};
    std::vector<Lease> all;
    const store::SqliteLeaseStore store{file, 5s, store::Access::existing};
    store.read([&](const Rows& rows) { all = rows.leases.all(""); });
    return all;
}

std::vector<Lease> DaemonLab::held_by(const std::string& guest_name) const {
    auto all = rows();
    std::erase_if(all, [&](const Lease& lease) { return !is_held(lease.state) || lease.guest_name != guest_name; });
    std::ranges::sort(all, {}, [](const Lease& lease) { return std::pair{lease.slot, lease.ordinal}; });
    return all;
}

std::size_t DaemonLab::held() const {
    const auto all = rows();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const Lease& lease) { return is_held(lease.state); }));
}

std::vector<std::string> DaemonLab::macs(const std::string& guest) {
    const auto xml = host.inactive_xml(guest);
    constexpr std::string_view opening = "<mac address='";
    std::vector<std::string> found;
    for (auto at = xml.find(opening); at != xml.npos; at = xml.find(opening, at + 1)) {
        found.push_back(xml.substr(at + opening.size(), 17));
    }
    return found;
}

bool DaemonLab::is_served(const std::string& guest, std::size_t addresses) {
    const auto leases = held_by(guest);
    if (leases.size() != addresses) return false;
    const auto written = macs(guest);
    return std::ranges::all_of(leases, [&](const Lease& lease) {
        const auto entry = provider.find(lease.address.text());
        const bool is_named =
            lease.hostname.empty() || (lease.rdns == RdnsState::set && entry && entry->reverse == lease.hostname + ".");
        return lease.state == LeaseState::active && lease.mac && entry && entry->mac == lease.mac->text() && is_named &&
               std::ranges::find(written, lease.mac->text()) != written.end();
    });
}

bool DaemonLab::is_all_given_back() {
    const auto all = rows();
    return std::ranges::all_of(options.addresses, [&](const std::string& address) {
        const auto row = std::ranges::find(all, Address::parse(address), &Lease::address);
        const auto entry = provider.find(address);
        if (!entry || !entry->reverse.empty()) return false;
        return row == all.end() ? entry->mac.empty() : is_stock(row->state);
    });
}

std::string DaemonLab::story() const {
    std::ostringstream text;
    text << "--- log\n" << log() << "--- store\n";
    for (const auto& lease : rows()) {
        text << lease.address.text() << ' ' << name_of(lease.state) << ' ' << lease.guest_name << ' ' << lease.slot
             << ' ' << (lease.mac ? lease.mac->text() : "-") << ' ' << name_of(lease.rdns) << ' ' << name_of(lease.stay)
             << '\n';
    }
    text << "--- provider\n" << boost::json::serialize(provider.state()) << '\n';
    return text.str();
}

std::string IdleGuest::xml() const {
    std::string text = "<domain type='qemu'><name>" + name + "</name><uuid>" + uuid + "</uuid>";
    if (!metadata.empty()) text += "<metadata>" + metadata + "</metadata>";
    text +=
        "<memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>"
        "<devices><controller type='usb' model='none'/><memballoon model='none'/>";
    if (interfaces.empty()) text += bridge_nic();
    for (const auto& interface : interfaces) text += interface;
    return text + "</devices></domain>";
}

std::string bridge_nic(const std::string& mac, const std::string& bridge) {
    return "<interface type='bridge'>" + (mac.empty() ? "" : "<mac address='" + mac + "'/>") + "<source bridge='" +
           bridge + "'/><model type='virtio'/></interface>";
}

std::string numbered_uuid(int number) {
    auto digits = std::to_string(number);
    return "6f1b1f5e-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

}  // namespace fip::test
