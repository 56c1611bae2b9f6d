#pragma once

#include "core/lease.hpp"
#include "ports/rows.hpp"
#include "simulators/online/client.hpp"
#include "support/pve_node.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// A Proxmox VE node with failover-ip on it: configuration, token, the provider's simulator, and the watcher when asked
/// for.
class PveLab {
public:
    struct Options {
        std::vector<std::string> addresses{"203.0.113.5", "203.0.113.6", "203.0.113.7"};
        int warm = 1;
        std::string cooldown = "1s";
        std::string interval = "60s";
        std::string grace = "10m";
        std::string proxmox{};     ///< Lines of [proxmox].
        std::string pool_lines{};  ///< More settings of the pool.
        std::vector<std::pair<std::int64_t, std::string>> servers{{11111, "192.0.2.10"}};
        PveNode::Options node{};
    };

    PveLab() : PveLab{Options{}} {}
    explicit PveLab(Options options);

    Options options;  ///< Change it, write_config(), reload.
    TempDir files;
    PveNode node;
    OnlineSimulator provider;

    void write_config();
    /// And wait until it answers and has looked at everything once.
    void start_watcher(std::map<std::string, std::string> environment = {});
    void kill_watcher() { watcher_->kill(); }
    Result stop_watcher() { return watcher_->stop(std::chrono::minutes{1}); }  ///< It may have to end a change.
    void reload() { watcher_->signal(SIGHUP); }
    [[nodiscard]] bool watcher_runs() { return watcher_ && watcher_->is_running(); }
    [[nodiscard]] std::string log() const { return watcher_ ? watcher_->err() : std::string{}; }
    /// The snippet, and its announcement for every node: guests get the hookscript from the next comparison on.
    void install_snippet(const std::vector<std::string>& nodes = {"pve"});

    /// `qm create VMID --name NAME --net0 virtio,bridge=vmbr0 --memory 64 ...`
    void create(int vmid, const std::string& name, std::vector<std::string> more = {});

    [[nodiscard]] std::string store_file() const { return files / "store/leases.db"; }
    [[nodiscard]] std::vector<Lease> rows() const;                                  ///< Everything in the store.
    [[nodiscard]] std::vector<Lease> held_by(const std::string& guest_name) const;  ///< Held leases, by slot.
    [[nodiscard]] std::size_t held() const;
    [[nodiscard]] std::vector<GuestNote> notes(NoteKind kind) const;
    /// netN's MAC in the main section of the config, in lower case; "": none.
    [[nodiscard]] std::string mac(int vmid, int nic = 0) const;
    /// The Notes of a guest as people read them.
    [[nodiscard]] std::string shown(int vmid) const;
    /// One active lease, its MAC in netN, and the config shows its address, and no other of ours.
    [[nodiscard]] bool wears_its_mac(int vmid, const std::string& name);
    /// And its reverse name is set.
    [[nodiscard]] bool is_served(int vmid, const std::string& name);
    /// Nothing is held, and the provider has no MAC and no reverse name beside the warm stock.
    [[nodiscard]] bool is_all_given_back();
    /// Nobody has two addresses, no address two holders; every MAC at the provider is a row of ours.
    [[nodiscard]] bool is_nothing_leaked();
    [[nodiscard]] std::string story() const;  ///< The log and the store, for a failed test.

private:
    std::optional<Process> watcher_;
};

/// REQUIRE that it becomes true; tells the story when it does not.
#define PVE_AWAIT(lab, condition)                                                          \
    do {                                                                                   \
        const bool came_true_ = ::fip::test::wait_until([&] { return (condition); }, 30s); \
        if (!came_true_) UNSCOPED_INFO((lab).story());                                     \
        REQUIRE(came_true_);                                                               \
    } while (false)

/// Every test of this kind begins so: without FUSE there is no node.
#define PVE_NODE_OR_SKIP()                                                 \
    if (const auto why_ = ::fip::test::why_no_pve_node(); !why_.empty()) { \
        WARN("SKIPPED: " << why_);                                         \
        return;                                                            \
    }

}  // namespace fip::test
