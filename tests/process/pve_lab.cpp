#include "pve_lab.hpp"

#include "guest_config.hpp"
#include "store/sqlite_lease_store.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <stdexcept>

namespace fip::test {
namespace {

using namespace std::chrono_literals;

constexpr auto program = FIP_BIN "/failover-ip-proxmox";

OnlineSimulator::Options simulator_options(const PveLab::Options& options, const PveNode& node,
                                           const std::string& folder) {
    OnlineSimulator::Options simulator;
    simulator.folder = folder;
    simulator.servers = options.servers;
    for (const auto& address : options.addresses) simulator.addresses.emplace_back(address, options.servers[0].first);
    simulator.inside = node.pid();
    simulator.server_macs[options.servers[0].first] = "52:54:00:00:00:01";  // of eno1, which vmbr0 wears too
    return simulator;
}

proxmox::GuestConfig parsed(const PveNode& node, int vmid) {
    const auto type = node.exists("/etc/pve/lxc/" + std::to_string(vmid) + ".conf") ? proxmox::GuestType::container
                                                                                    : proxmox::GuestType::vm;
    return {type, node.config(vmid).value_or("")};
}

}  // namespace

PveLab::PveLab(Options chosen)
    : options{std::move(chosen)},
      node{options.node},
      provider{simulator_options(options, node, files.path().string())} {
    node.must({"rm", "-f", "/usr/sbin/libvirtd", "/usr/sbin/virtqemud"});  // a node has none
    std::filesystem::create_directory(files / "store");
    std::filesystem::permissions(files / "store", std::filesystem::perms::owner_all);
    node.write("/etc/failover-ip/dedibox.token", provider.token());
    std::filesystem::permissions(node.outside("/etc/failover-ip/dedibox.token"),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    write_config();
}

void PveLab::write_config() {
    std::ostringstream text;
    // Not in the node's own /var/lib: SQLite would follow /proc/PID/root out of the node.
    text << "[store]\nurl = \"sqlite:" << store_file() << "\"\n[providers.dedibox]\ntype = \"online\"\nendpoint = \""
         << provider.endpoint() << "\"\ntoken_file = \"/etc/failover-ip/dedibox.token\"\nserver = \""
         << options.servers[0].second
         << "\"\n[pools.public]\nprovider = \"dedibox\"\nbridges = [\"vmbr0\"]\nwarm = " << options.warm
         << "\ncooldown = \"" << options.cooldown << "\"\nhostname = \"{name}.vm.example.com\"\n"
         << options.pool_lines << "\n[proxmox]\n"
         << options.proxmox << "\n[reconcile]\ninterval = \"" << options.interval << "\"\ngrace = \"" << options.grace
         << "\"\n";
    node.write("/etc/failover-ip/config.toml", text.str());
}

void PveLab::start_watcher(std::map<std::string, std::string> environment) {
    watcher_.emplace(node.spawn({program, "watch"}, std::move(environment)));
    const auto is_said = [&](const char* word) { return log().find(word) != std::string::npos; };
    const bool is_up =
        wait_until([&] { return !watcher_runs() || (is_said("ready: ") && is_said("pmxcfs-watched: ")); }, 20s);
    if (!is_up || !watcher_runs()) throw std::runtime_error{"the watcher does not come up: " + log()};
    const auto warm_ones = [&] {
        const auto all = rows();
        return std::ranges::count(all, LeaseState::warm, &Lease::state) >= options.warm;
    };
    // A stock that cannot be made is the test's own business.
    static_cast<void>(wait_until(warm_ones, 3s));
}

void PveLab::install_snippet(const std::vector<std::string>& nodes) {
    node.put_snippet_program("failover-ip", FIP_BIN "/failover-ip-proxmox-hook");
    for (const auto& name : nodes) node.write("/etc/pve/failover-ip/" + name, "0.1.0\n");
}

void PveLab::create(int vmid, const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> argv{
        "qm", "create", std::to_string(vmid), "--name", name, "--net0", "virtio,bridge=vmbr0", "--memory", "64"};
    argv.insert(argv.end(), more.begin(), more.end());
    node.must(argv);
}

std::vector<Lease> PveLab::rows() const {
    const auto file = store_file();
    if (!std::filesystem::exists(file)) return {};
    std::vector<Lease> all;
    const store::SqliteLeaseStore store{file, 5s, store::Access::existing};
    store.read([&](const Rows& rows) { all = rows.leases.all(""); });
    return all;
}

std::vector<Lease> PveLab::held_by(const std::string& guest_name) const {
    auto all = rows();
    std::erase_if(all, [&](const Lease& lease) { return !is_held(lease.state) || lease.guest_name != guest_name; });
    std::ranges::sort(all, {}, &Lease::slot);
    return all;
}

std::size_t PveLab::held() const {
    const auto all = rows();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const Lease& lease) { return is_held(lease.state); }));
}

std::vector<GuestNote> PveLab::notes(NoteKind kind) const {
    std::vector<GuestNote> found;
    const store::SqliteLeaseStore store{store_file(), 5s, store::Access::existing};
    store.read([&](const Rows& rows) { found = rows.guests.notes(kind); });
    return found;
}

std::string PveLab::mac(int vmid, int nic) const {
    for (const auto& net : parsed(node, vmid).nics()) {
        if (net.number == nic && net.mac) return net.mac->text();
    }
    return {};
}

std::string PveLab::shown(int vmid) const {
    return parsed(node, vmid).description();
}

bool PveLab::is_served(int vmid, const std::string& name) {
    if (!wears_its_mac(vmid, name)) return false;
    const auto lease = held_by(name).front();
    const auto entry = provider.find(lease.address.text());
    return lease.rdns == RdnsState::set && entry && entry->reverse == lease.hostname + ".";
}

bool PveLab::wears_its_mac(int vmid, const std::string& name) {
    const auto leases = held_by(name);
    if (leases.size() != 1) return false;
    const auto& lease = leases.front();
    const auto address = lease.address.text();
    const auto entry = provider.find(address);
    if (lease.state != LeaseState::active || !lease.mac || !entry || entry->mac != lease.mac->text()) return false;
    const auto config = parsed(node, vmid);
    const auto tags = config.tags();
    const auto ours = std::ranges::count_if(tags, [](const std::string& tag) { return tag.starts_with("fip-"); });
    const bool is_tagged = ours == 1 && std::ranges::find(tags, "fip-" + address) != tags.end();
    return mac(vmid) == lease.mac->text() && is_tagged && shown(vmid).find(address) != std::string::npos &&
           shown(vmid).find("active") != std::string::npos;
}

bool PveLab::is_all_given_back() {
    const auto all = rows();
    return std::ranges::all_of(options.addresses, [&](const std::string& address) {
        const auto row = std::ranges::find(all, Address::parse(address), &Lease::address);
        const auto entry = provider.find(address);
        if (!entry || !entry->reverse.empty()) return false;
        return row == all.end() ? entry->mac.empty() : is_stock(row->state);
    });
}

bool PveLab::is_nothing_leaked() {
    std::set<std::pair<std::string, std::string>> nics;
    for (const auto& lease : rows()) {
        if (!is_held(lease.state) || !lease.guest) continue;
        if (!nics.emplace(lease.guest->value, lease.slot).second) return false;
    }
    const auto all = rows();
    return std::ranges::all_of(options.addresses, [&](const std::string& address) {
        const auto entry = provider.find(address);
        const bool is_row = std::ranges::find(all, Address::parse(address), &Lease::address) != all.end();
        return entry && (is_row || (entry->mac.empty() && entry->reverse.empty()));
    });
}

std::string PveLab::story() const {
    std::ostringstream text;
    text << "--- log\n" << log() << "--- store\n";
    for (const auto& lease : rows()) {
        text << lease.address.text() << ' ' << name_of(lease.state) << ' '
             << (lease.guest ? lease.guest->value : std::string{}) << ' ' << lease.guest_name << ' ' << lease.slot
             << ' ' << (lease.mac ? lease.mac->text() : std::string{}) << ' ' << name_of(lease.rdns) << '\n';
    }
    return text.str();
}

}  // namespace fip::test
