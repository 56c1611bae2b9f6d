#include "doctor.hpp"

#include "check_guests.hpp"
#include "cluster.hpp"
#include "config/load.hpp"
#include "core/errors.hpp"
#include "core/lease.hpp"
#include "core/pool.hpp"
#include "guest_configs.hpp"
#include "install_file.hpp"
#include "node_facts.hpp"
#include "ports/guest_source.hpp"
#include "program_file.hpp"
#include "providers/traits.hpp"
#include "read_guest.hpp"
#include "runtime/daemon_client.hpp"
#include "snippet.hpp"
#include "storage_config.hpp"
#include "store/sqlite_lease_store.hpp"

#include <optional>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using doctor::Check;
using doctor::Checks;

constexpr auto set_up = "failover-ip-proxmox install";

Check check_snippet(const Cluster& cluster) {
    const std::string name = "snippet";
    const auto file = snippet_place(cluster);
    std::error_code absent;
    const auto status = fs::symlink_status(file, absent);
    if (!fs::exists(status)) {
        return doctor::fail(name, file.string() + " is not there: guests that name it cannot start", set_up);
    }
    if (!fs::is_regular_file(status)) {
        return doctor::fail(name, file.string() + " is no regular file, as Proxmox wants it", set_up);
    }
    if (!is_program(file)) {
        return doctor::fail(name, file.string() + " cannot be executed: guests that name it cannot start", set_up);
    }
    if (!is_program_with(file, packaged_hookscript())) {
        return doctor::fail(name, file.string() + " is not the one of this version", set_up);
    }
    return doctor::ok(name, file.string() + " is the one of this version");
}

Check check_announced(const Cluster& cluster) {
    const std::string name = "announced";
    const auto silent = silent_nodes(cluster);
    if (silent.empty()) return doctor::ok(name, "every node of the cluster has announced the snippet");
    return doctor::warn(name, "not announced by " + doctor::some_of(silent) + ": no guest gets it as its hookscript",
                        std::string{set_up} + " on each of these nodes");
}

Check check_watcher() {
    if (runtime::ask(runtime::proxmox_daemon_socket, "ping", 2s)) {
        return doctor::ok("watcher", "failover-ip-proxmox watch answers");
    }
    return doctor::fail("watcher", "failover-ip-proxmox watch does not answer: new guests get no address",
                        "systemctl start failover-ip-proxmox; journalctl -u failover-ip-proxmox says why it ended");
}

Check check_pmxcfs(const NodeFacts& node) {
    if (node.is_pmxcfs_up) return doctor::ok("pmxcfs", "/etc/pve is there, this node is " + node.name);
    return doctor::fail("pmxcfs", "pmxcfs is not running, /etc/pve is empty: nothing is known about guests",
                        "systemctl start pve-cluster");
}

Check check_quorum(const NodeFacts& node) {
    if (node.is_quorate) return doctor::ok("quorum", "the cluster can be written to");
    return doctor::fail("quorum", "the cluster has no quorum: no config can be changed, and nothing is released",
                        "pvecm status");
}

/// The guests whose configs can be read; of the others a check.
std::vector<SeenGuest> guests_of(const Cluster& cluster, Checks& checks) {
    const auto node = cluster.local_node();
    std::vector<SeenGuest> guests;
    for (const auto& [vmid, listed] : cluster.guests()) {
        const auto text = cluster.read_config(vmid, listed);
        if (!text) continue;  // it went, or moved
        try {
            const GuestConfig config{listed.type, *text};
            if (config.is_template() || is_placeholder(config)) continue;
            guests.push_back({vmid, read_guest(vmid, config, true), config.hookscript(), listed.node == node});
        } catch (const InputError& wrong) {
            const auto file = cluster.config_file(vmid, listed).string();
            checks.push_back(doctor::fail("guest:" + std::to_string(vmid), wrong.what(), "mend " + file));
        }
    }
    return guests;
}

struct Stored {
    KnownMacs macs;
    std::vector<std::string> waiting;
};

Stored read_store(const Settings& settings) {
    const store::SqliteLeaseStore store{settings.store_file, 2s, store::Access::read_only};
    Stored stored;
    stored.macs.was_read = true;
    store.read([&](const Rows& rows) {
        for (const auto& [name, provider] : settings.providers) {
            if (providers::traits_of(provider.type).has_api) {
                if (!rows.provider.status(name).synced_at) stored.macs.was_read = false;
            } else {
                for (const auto& lease : rows.leases.all(name)) {
                    if (lease.mac) stored.macs.here.insert(*lease.mac);
                }
            }
            for (const auto& each : rows.provider.addresses(name)) {
                if (!each.mac) continue;
                (each.server == provider.server ? stored.macs.here : stored.macs.elsewhere).insert(*each.mac);
            }
        }
        for (const auto& note : rows.guests.notes(NoteKind::waiting)) {
            if (note.guest.kind != GuestKind::proxmox) continue;
            stored.waiting.push_back((note.name.empty() ? note.guest.value : note.name) + " " + note.slot + " (" +
                                     note.text + ")");
        }
    });
    return stored;
}

Check check_waiting(const std::vector<std::string>& waiting) {
    if (waiting.empty()) return doctor::ok("waiting", "no guest waits for an address");
    return doctor::warn("waiting", "waiting for an address: " + doctor::some_of(waiting),
                        "failover-ip pool list; order another failover IP, or remove a guest that has one");
}

void examine_guests(const Cluster& cluster, const Settings& settings, Checks& checks) {
    std::vector<SeenGuest> guests;
    try {
        guests = guests_of(cluster, checks);
    } catch (const std::exception& error) {
        checks.push_back(doctor::fail("guests", std::string{"cannot be looked at: "} + error.what(), ""));
        return;
    }
    checks.push_back(check_hookscripts(settings, guests));
    checks.push_back(check_duplicates(settings, guests));
    try {
        const auto stored = read_store(settings);
        checks.push_back(check_registered(settings, guests, stored.macs));
        checks.push_back(check_waiting(stored.waiting));
    } catch (const std::exception& error) {
        checks.push_back(doctor::fail("registered-macs", std::string{"the store cannot be read: "} + error.what(),
                                      "failover-ip doctor"));
    }
}

}  // namespace

Checks examine_node(const fs::path& config) {
    const Cluster cluster;
    const auto node = read_node(cluster);
    Checks checks;
    checks.push_back(check_pmxcfs(node));
    if (node.is_pmxcfs_up) checks.push_back(check_quorum(node));
    // Without storage.cfg nobody knows where the snippet should be.
    if (node.is_pmxcfs_up) {
        doctor::attempt(checks, "snippet", [&] { checks.push_back(check_snippet(cluster)); });
        doctor::attempt(checks, "announced", [&] { checks.push_back(check_announced(cluster)); });
    }
    checks.push_back(check_watcher());
    std::optional<Settings> settings;
    try {
        settings = config::load(config);
    } catch (const InputError& wrong) {
        checks.push_back(doctor::fail("configuration", wrong.what(), "failover-ip config check"));
    }
    if (settings && node.is_pmxcfs_up) examine_guests(cluster, *settings, checks);
    return checks;
}

}  // namespace fip::proxmox
