#pragma once

#include "core/errors.hpp"
#include "firmware_restart.hpp"
#include "guest_configs.hpp"
#include "set_config.hpp"

#include <functional>
#include <set>
#include <utility>
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

    /// VMs that began with a wrong MAC while others were written to, and are held in their firmware: show() them soon.
    [[nodiscard]] std::set<int> take_held() { return std::exchange(held_, {}); }
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
    void hold_wrong_starts(const Context& context);
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
    std::set<int> held_;        ///< Of these, VMs that wait for their turn.
};

}  // namespace fip::proxmox
