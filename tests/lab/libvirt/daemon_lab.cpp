#include "lab/libvirt/daemon_lab.hpp"

#include "store/sqlite_lease_store.hpp"
#include "support/wait_until.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
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

std::vector<std::string> macs_after(const std::string& text, const std::string& opening) {
    std::vector<std::string> found;
    for (auto at = text.find(opening); at != text.npos; at = text.find(opening, at + 1)) {
        found.push_back(text.substr(at + opening.size(), 17));
    }
    return found;
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
    if (!options.filter.empty()) text << "addresses = [" << quoted(options.filter) << "]\n";
    text << options.pool_lines;
    if (!options.hostname.empty()) text << "hostname = " << quoted(options.hostname) << "\n";
    text << "[libvirt]\non_wrong_mac = " << quoted(options.on_wrong_mac) << "\n";
    if (!options.libvirt_uris.empty()) text << "uris = " << options.libvirt_uris << "\n";
    text << "\n[reconcile]\ninterval = " << quoted(options.interval) << "\ngrace = " << quoted(options.grace) << "\n"
         << options.more_pools;
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
    return macs_after(host.inactive_xml(guest), "<mac address='");
}

std::chrono::seconds DaemonLab::process_age(const std::string& guest) {
    const auto pid = host.exec({"cat", "/run/libvirt/qemu/" + guest + ".pid"}).out;
    const auto age = host.exec({"ps", "-o", "etimes=", "-p", pid.substr(0, pid.find('\n'))}).out;
    return std::chrono::seconds{age.empty() ? 0 : std::stol(age)};
}

std::vector<GuestNote> DaemonLab::notes(NoteKind kind) const {
    std::vector<GuestNote> found;
    const store::SqliteLeaseStore store{host.path(store_file), 5s, store::Access::existing};
    store.read([&](const Rows& rows) { found = rows.guests.notes(kind); });
    return found;
}

void DaemonLab::set_stored_mac(const std::string& guest, const std::string& from, const std::string& to,
                               const std::string& then) {
    auto xml = host.inactive_xml(guest);
    const auto at = xml.find("<mac address='" + from);
    if (at == xml.npos) throw std::runtime_error{guest + " does not wear " + from};
    xml.replace(xml.find(from, at), from.size(), to);
    host.write("/run/changed.xml", xml);
    const auto done = host.virsh({"define /run/changed.xml; " + then});
    if (done.exit_code != 0) throw std::runtime_error{then + ": " + done.err};
}

void DaemonLab::create(const std::string& xml) {
    const auto done = host.exec({"virsh", "-q", "create", "/dev/stdin"}, xml);
    if (done.exit_code != 0) throw std::runtime_error{"create: " + done.err};
}

std::vector<std::string> DaemonLab::live_macs(const std::string& guest) {
    return macs_after(host.virsh({"dumpxml", guest}).out, "<mac address='");
}

std::vector<std::string> DaemonLab::seen_macs(const std::string& guest) const {
    const auto text = host.console(guest);
    std::vector<std::string> seen;
    for (int i = 0; i < 8; ++i) {
        auto found = macs_after(text, "FIP-GUEST mac eth" + std::to_string(i) + " ");
        std::ranges::move(found, std::back_inserter(seen));
    }
    return seen;
}

bool DaemonLab::is_right(const std::string& guest, std::size_t nics) {
    const auto leases = held_by(guest);
    auto worn = live_macs(guest);
    if (leases.size() != nics || worn.size() != nics || host.state(guest) != "running") return false;
    return std::ranges::all_of(leases, [&](const Lease& lease) {
        return lease.mac && std::ranges::find(worn, lease.mac->text()) != worn.end();
    });
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
