#pragma once

#include "lab/dataplane/guard_lab.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fip::test {

/// A lab host that is a Proxmox VE node as well: real libvirtd and the simulated node side by side, both kinds of
/// guests on br0, one pool, one store, both daemons, the hooks of both installed, the guard at the provider's switch.
/// Ask why_no_pve_node() before.
///
/// @throws std::runtime_error  from every step: it fails
class PairLab {
public:
    /// Four addresses, one of them warm; everything is compared every two seconds.
    PairLab() : PairLab{usual()} {}
    explicit PairLab(GuardLab::Options options);

    GuardLab guard;
    DaemonLab& lab = guard.lab;

    [[nodiscard]] static GuardLab::Options usual();

    void start_libvirt_daemon(std::map<std::string, std::string> environment = {});
    void start_watcher(std::map<std::string, std::string> environment = {});
    void start_both() { start_libvirt_daemon(), start_watcher(); }
    Result stop_watcher() { return watcher_->stop(); }
    [[nodiscard]] std::string watcher_log() const { return watcher_ ? watcher_->err() : std::string{}; }

    /// Runs to its end inside, with Proxmox' PATH, and must succeed. Returns its output.
    std::string must(std::vector<std::string> argv);
    void create_vm(int vmid, const std::string& name);  ///< `qm create`, a NIC on br0.
    void destroy_vm(int vmid);
    void define(const std::string& name, int number);  ///< `virsh define` of a guest that is never started.

    /// net0's MAC in the VM's config, in lower case; "": there is none.
    [[nodiscard]] std::string vm_mac(int vmid) const;
    [[nodiscard]] std::vector<Lease> held_by(GuestKind kind) const;
    /// Just one, whose name is that; empty: none, or several.
    [[nodiscard]] std::optional<Lease> lease_of(GuestKind kind, const std::string& name) const;
    /// Its one lease is active and the provider's MAC is in its config or its definition.
    [[nodiscard]] bool is_served(GuestKind kind, const std::string& name, int vmid = 0);
    [[nodiscard]] bool is_waiting(GuestKind kind, const std::string& name) const;
    [[nodiscard]] std::string story() const;

private:
    void start_pmxcfs();

    std::optional<Process> pmxcfs_;
    std::optional<Process> watcher_;
};

}  // namespace fip::test
