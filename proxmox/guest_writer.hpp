#pragma once

#include "core/errors.hpp"
#include "firmware_restart.hpp"
#include "guest_configs.hpp"
#include "set_config.hpp"

#include <chrono>
#include <functional>
#include <set>
#include <vector>

namespace fip::proxmox {

/// Brings what is ours in the configs of this node's guests up to date, through Proxmox' own programs. One thread per
/// object.
class GuestWriter {
public:
    /// @param context  of the calling thread. All references outlive the object.
    GuestWriter(const Cluster& cluster, GuestConfigs& configs, std::function<Context()> context,
                const RunFolders& folders);

    /// Everything of ours, for the leases as they are in the store. What Proxmox refuses together is asked for key by
    /// key.
    /// @throws InputError         Proxmox refused some of it; the rest is written
    /// @throws GuestsUnavailable  of this call alone: its program hung, or could not be started
    [[nodiscard]] SetResult show(const Guest& guest);
    void may_set_hookscript(bool may) { may_set_hookscript_ = may; }
    void forget(int vmid);

    /// VMs that begin with a wrong MAC while others are written to are held in their firmware. Only for one who comes
    /// back to restarting() soon.
    void may_hold(bool may) { may_hold_ = may; }
    /// VMs that are held, or on the way of a restart: show() them soon, or let_go() of them.
    [[nodiscard]] const std::set<int>& restarting() const { return restarting_; }
    /// It cannot be shown any more: it is locked, or gone.
    void let_go(int vmid);
    /// A guest was just shown whose MAC the provider has yet to make: a start of it may come any time.
    [[nodiscard]] bool is_expecting() const;
    void hold_wrong_starts(const Context& context);
    /// VMs that a killed process left on the way of a restart in their firmware: show() them.
    [[nodiscard]] std::set<int> take_up_restarts(const Context& context);
    /// Before a long absence: those that were begun go on as they are. @throws StoreBusy, StoreError
    void give_up_restarts(const Context& context) const;

private:
    [[nodiscard]] std::vector<ConfigChange> wanted_changes(const Context& context, const Guest& guest,
                                                           const GuestConfig& config) const;
    [[nodiscard]] SetResult apply(const Guest& guest, int vmid, const GuestConfig& config);
    [[nodiscard]] SetResult set(const Context& context, const Guest& guest, int vmid, const GuestConfig& config,
                                const std::vector<ConfigChange>& changes);
    [[nodiscard]] SetResult set_each(const Context& context, const Guest& guest, int vmid,
                                     const std::vector<ConfigChange>& changes, const InputError& refusal);
    [[nodiscard]] SetResult set_holding(const Context& context, int vmid, const GuestConfig& config,
                                        const std::vector<ConfigChange>& changes);
    void hold_if_wrong(const Context& context, int vmid);
    [[nodiscard]] bool is_wrong_at_begin(const Context& context, const Guest& guest, int vmid);
    [[nodiscard]] static bool is_mac_on_its_way(const Context& context, const GuestId& guest);
    [[nodiscard]] SetResult finish_restart(const Context& context, const Guest& guest, int vmid);
    [[nodiscard]] SetResult show_ended(const Context& context, const Guest& guest, int vmid);

    const Cluster& cluster_;
    GuestConfigs& configs_;
    std::function<Context()> context_;
    const RunFolders& folders_;
    bool may_set_hookscript_ = false;
    Refusals refusals_;
    std::set<int> restarting_;  ///< FirmwareRestart has begun.
    int setting_ = 0;           ///< Its lock is held by us.
    bool may_hold_ = false;
    std::chrono::steady_clock::time_point expecting_until_{};
};

}  // namespace fip::proxmox
