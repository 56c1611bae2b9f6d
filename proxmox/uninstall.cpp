#include "uninstall.hpp"

#include "appearance.hpp"
#include "cluster.hpp"
#include "config/load.hpp"
#include "config/read_file.hpp"
#include "core/errors.hpp"
#include "example_config.hpp"
#include "firewall_file.hpp"
#include "firmware_restart.hpp"
#include "install_file.hpp"
#include "node_facts.hpp"
#include "ports/guest_source.hpp"
#include "read_guest.hpp"
#include "runtime/daemon_client.hpp"
#include "runtime/system_clock.hpp"
#include "set_config.hpp"
#include "setup_log.hpp"
#include "snippet.hpp"
#include "storage_config.hpp"
#include "store/sqlite_lease_store.hpp"
#include "units.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

namespace fip::proxmox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A guest's lock is held for a start or a `qm set`; a config changes while it is looked at when a person is at work.
constexpr int most_tries = 10;
constexpr auto between_tries = 1s;
constexpr auto longest_busy = 5s;  // of the store
constexpr std::size_t most_config = std::size_t{1} << 20;

constexpr std::string_view passing_snippet = R"(#!/bin/sh
# failover-ip was uninstalled from this node. Proxmox VE refuses to start a guest whose hookscript is missing, and
# snapshots and backups still name this one: so it stays, and does nothing.
exit 0
)";

/// A config without anything of ours; addresses in ipconfigN and ip= stay, for the leases stay.
std::vector<ConfigChange> changes_to_leave(const GuestConfig& config) {
    Appearance nothing;
    nothing.is_ours = [](const Address&) { return false; };
    return changes_for(config, nothing);
}

std::string keys_of(const std::vector<ConfigChange>& changes) {
    std::string text;
    for (const auto& change : changes) text += (text.empty() ? "" : ", ") + change.key;
    return text;
}

class Uninstallation {
public:
    Uninstallation(const SetupOptions& options, const Cluster& cluster, std::string node)
        : config_{options.config},
          cluster_{cluster},
          node_{std::move(node)},
          has_effects_{options.effects == Effects::apply},
          log_{options.is_json, !has_effects_} {}

    int run(bool has_systemd) {
        // First, so that no watcher of the cluster gives the hookscript to a guest that may come here.
        log_.attempt("announcement", [this] { withdraw(); });
        log_.attempt("unit", [this, has_systemd] { stop_watcher(has_systemd); });
        if (log_.has_failed()) return log_.finish();  // a watcher would put back what is taken away
        log_.attempt("paused", [this] { let_go_on(); });
        log_.attempt("guests", [this] { leave_guests(); });
        log_.attempt("snippet", [this] { defuse_snippet(); });
        tell_what_stays();
        return log_.finish();
    }

private:
    void withdraw() {
        const auto file = announcement_of(cluster_, node_);
        if (fs::exists(file)) {
            if (has_effects_) fs::remove(file);
            log_.done("announcement", "withdrawn: " + file.string());
        } else {
            log_.there("announcement", "there is none of this node");
        }
        std::string others;
        for (const auto& other : cluster_.nodes()) {
            if (other != node_ && fs::exists(announcement_of(cluster_, other)))
                others += (others.empty() ? "" : ", ") + other;
        }
        if (!others.empty()) {
            log_.advise("announcement", "still announced by " + others +
                                            ": their guests keep the hookscript, and new ones get none any more; run "
                                            "failover-ip-proxmox uninstall there, too, or install here again");
        }
    }

    void stop_watcher(bool has_systemd) {
        const bool is_known = has_systemd && (is_enabled(watcher_unit) || is_active(watcher_unit));
        if (is_known) {
            if (has_effects_) stop_and_disable(watcher_unit);
            log_.done("unit", std::string{"stopped and disabled: "} + watcher_unit);
        } else {
            log_.there("unit", std::string{watcher_unit} + " is not enabled");
        }
        if (has_effects_ && runtime::ask(runtime::proxmox_daemon_socket, "ping", 1s)) {
            throw std::runtime_error{
                "a failover-ip-proxmox watch still runs, and would put everything back: end it, "
                "then uninstall again"};
        }
    }

    /// A VM that a watcher held in its firmware when it was killed: nobody else would come back to it.
    void let_go_on() {
        if (!fs::exists(config_)) return;
        try {
            const auto text = config::read_file(config_, most_config, config::Access::anybody).text;
            if (has_placeholders(text)) return;  // no watcher ever ran with it
            let_go_on(config::load(config_));
        } catch (const InputError& unusable) {
            log_.advise("paused", std::string{"whether a VM is still held in its firmware is not known: "} +
                                      unusable.what() + "; qm list shows it as paused");
        }
    }

    void let_go_on(const Settings& settings) {
        if (!fs::exists(settings.store_file)) return;
        store::SqliteLeaseStore leases{settings.store_file, longest_busy,
                                       has_effects_ ? store::Access::existing : store::Access::read_only};
        const auto held = FirmwareRestart::noted(leases);
        if (held.empty()) return;
        const std::map<std::string, ProviderTraits> no_providers;
        const runtime::SystemClock clock;
        using Stage = FirmwareRestart::Stage;
        std::map<int, Stage> left;
        if (has_effects_) left = FirmwareRestart::give_up_all({settings, no_providers, leases, clock, {}}, {});
        for (const auto vmid : held) {
            const auto id = std::to_string(vmid), name = "guest " + id;
            const auto found = left.find(vmid);
            if (found == left.end()) {
                log_.done(name, "let go on, for a watcher was killed while it held it in its firmware");
            } else if (found->second == Stage::ended) {
                log_.fail(name, "was ended in its firmware, and does not start: qm start " + id);
            } else {
                log_.fail(name, "is paused in its firmware, and does not answer: qm resume " + id);
            }
        }
    }

    void leave_guests() {
        int changed = 0;
        for (const auto& [vmid, listed] : cluster_.guests()) {
            if (listed.node != node_) continue;
            log_.attempt("guest " + std::to_string(vmid), [&, &id = vmid, &guest = listed] {
                if (leave_guest(id, guest)) ++changed;
                if (leave_firewall(id)) ++changed;
            });
        }
        if (changed == 0 && !log_.has_failed()) log_.there("guests", "nothing of ours is in their configs");
    }

    /// True: there was, or is, something of ours.
    /// A set that nobody keeps would hold what the guest sends from its next address.
    bool leave_firewall(int vmid) {
        if (!has_ipfilter(cluster_, vmid)) return false;
        if (has_effects_) drop_ipfilter(cluster_, vmid);
        log_.done("guest " + std::to_string(vmid), "freed of ours: its ipfilter sets");
        return true;
    }

    bool leave_guest(int vmid, const ListedGuest& listed) {
        const auto name = "guest " + std::to_string(vmid);
        for (int tries = 1;; ++tries) {
            const auto text = cluster_.read_config(vmid, listed);
            if (!text) return false;  // it went, or moved: then its new node's uninstall sees it
            const GuestConfig config{listed.type, *text};
            const auto changes = changes_to_leave(config);
            if (changes.empty()) return tries > 1;
            if (!config.lock().empty()) {
                log_.fail(name, "is locked (" + config.lock() + "), and keeps " + keys_of(changes) +
                                    ": uninstall again when it is not");
                return true;
            }
            if (!has_effects_) {
                log_.done(name, "freed of ours: " + keys_of(changes));
                return true;
            }
            const auto result = set_config(vmid, config, changes, [] {});
            if (result == SetResult::done || result == SetResult::pending) {
                log_.done(name, "freed of ours: " + keys_of(changes));
                return true;
            }
            if (tries == most_tries) {
                log_.fail(name, "somebody is at work on it, and it keeps " + keys_of(changes) + ": uninstall again");
                return true;
            }
            std::this_thread::sleep_for(between_tries);
        }
    }

    void defuse_snippet() {
        const auto file = snippet_place(cluster_);
        if (is_program_with(file, passing_snippet)) {
            log_.there("snippet", file.string() + " does nothing already");
        } else if (!fs::exists(fs::symlink_status(file)) && !is_named_anywhere()) {
            log_.there("snippet", file.string() + " is not there, and nobody names it");
        } else {
            if (has_effects_) put_program(file, passing_snippet);
            log_.done("snippet", "replaced by one that does nothing: " + file.string() +
                                     " stays, because snapshots and backups may name it");
        }
    }

    /// In the config, or a snapshot, of a guest of the cluster.
    bool is_named_anywhere() {
        for (const auto& [vmid, listed] : cluster_.guests()) {
            const auto text = cluster_.read_config(vmid, listed);
            if (text && text->find(snippet_volume) != std::string::npos) return true;
        }
        return false;
    }

    void tell_what_stays() {
        log_.advise(
            "leases",
            "configuration, store and leases stay, and their MACs at the provider: failover-ip lease list shows "
            "them; failover-ip lease release gives one back once its guest is gone");
        log_.advise("guard",
                    "the guard's rules stay as they are: failover-ip guard down lets everything out, "
                    "systemctl disable failover-ip-guard keeps it down");
    }

    const fs::path& config_;
    const Cluster& cluster_;
    std::string node_;
    bool has_effects_;
    SetupLog log_;
};

}  // namespace

int uninstall(const SetupOptions& options) {
    const Cluster cluster;
    auto node = read_node(cluster);
    node.has_nft = true;  // not needed to go
    node.version.reset();
    if (const auto reasons = objections(node); !reasons.empty()) {
        return SetupLog{options.is_json, options.effects == Effects::plan_only}.refuse(reasons);
    }
    std::optional<SetupLock> lock;
    if (options.effects == Effects::apply) lock.emplace();
    return Uninstallation{options, cluster, node.name}.run(node.has_systemd);
}

}  // namespace fip::proxmox
