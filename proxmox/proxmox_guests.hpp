#pragma once

#include "app/context.hpp"
#include "cluster.hpp"
#include "core/errors.hpp"
#include "firmware_restart.hpp"
#include "ports/guest_source.hpp"
#include "running_vm.hpp"
#include "set_config.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fip::proxmox {

/// The guests whose configs lie in this node's folder. One thread per object.
///
/// Configs are read when their version in .vmlist has changed, and kept. A config that Proxmox is still making or
/// taking apart (lock create, clone, import, destroyed) is nobody's: its guest counts as present and is left alone, as
/// are those with another lock.
class ProxmoxGuests final : public GuestSource {
public:
    /// @param context  of the calling thread; empty: there is no store yet, and nothing will be written
    ProxmoxGuests(const Cluster& cluster, std::function<Context()> context, RunFolders folders = {});

    [[nodiscard]] GuestKind kind() const override { return GuestKind::proxmox; }
    [[nodiscard]] Listing list(const std::function<void(const Guest&)>& visit) override;
    void list_others(const std::function<void(const Guest&)>& visit) override;
    /// @throws GuestsUnavailable  also for a guest of another node, and for one that is being restored
    [[nodiscard]] std::optional<Guest> find(const GuestId& id) override;
    /// Everything of ours in the config, for the leases as they are in the store.
    [[nodiscard]] bool write(const Guest& guest, const GuestEdit& edit) override;

    /// Ours, as its config is now. Empty: there is none, or it is left alone at present.
    [[nodiscard]] std::optional<Guest> find_own(int vmid);
    /// Another node's, as its config is now. Empty: there is none, it is ours, or Proxmox still makes it.
    [[nodiscard]] std::optional<GuestConfig> find_elsewhere(int vmid);
    /// What the VMID's config said last that was complete; of any node.
    [[nodiscard]] std::optional<GuestId> last_known(int vmid) const;
    void forget(int vmid);
    /// Bring everything of ours in the config up to date. What Proxmox refuses together is asked for key by key.
    /// @throws InputError         Proxmox refused some of it; the rest is written
    /// @throws GuestsUnavailable  of this call alone: its program hung, or could not be started
    [[nodiscard]] SetResult show(const Guest& guest);
    /// VMs that a killed process left on the way of a restart in their firmware: show() them.
    [[nodiscard]] std::set<int> take_up_restarts(const Context& context);
    /// Before a long absence: those that were begun go on as they are. @throws StoreBusy, StoreError
    void give_up_restarts(const Context& context) const;
    /// It came from another node, or is about to start here.
    void expect(int vmid) { arriving_.insert(vmid); }
    void has_arrived(int vmid) { arriving_.erase(vmid); }
    void may_set_hookscript(bool may) { may_set_hookscript_ = may; }

private:
    struct Known {
        ListedGuest listed;
        std::string text;
    };
    /// Empty: its file is not there.
    [[nodiscard]] std::optional<GuestConfig> config_of(int vmid, const ListedGuest& listed);
    [[nodiscard]] Guest guest_of(int vmid, const GuestConfig& config, const ListedGuest& listed);
    /// As the cluster is now; kept until it changes, so a reference holds only until the next call.
    [[nodiscard]] const GuestList& listed_now();
    void load_known_ids();
    /// Of any node; its id is the VMID's from now on. Empty: it is not there, or not whole.
    [[nodiscard]] std::optional<GuestConfig> whole_config(int vmid, const ListedGuest& listed);
    /// Read again if it changed. Empty: this guest has none here any more.
    [[nodiscard]] std::optional<GuestConfig> own_config(const Guest& guest, int vmid);
    [[nodiscard]] std::vector<ConfigChange> wanted_changes(const Context& context, const Guest& guest,
                                                           const GuestConfig& config) const;
    [[nodiscard]] SetResult apply(const Guest& guest, int vmid, const GuestConfig& config);
    [[nodiscard]] SetResult set(const Guest& guest, int vmid, const GuestConfig& config,
                                const std::vector<ConfigChange>& changes, const std::function<void()>& meanwhile);
    [[nodiscard]] SetResult set_each(const Guest& guest, int vmid, const std::vector<ConfigChange>& changes,
                                     const std::function<void()>& meanwhile, const InputError& refusal);
    void hold_in_firmware(const Context& context, const GuestId& guest, int vmid,
                          const std::map<std::size_t, Mac>& right);
    [[nodiscard]] SetResult finish_restart(const Context& context, const Guest& guest, int vmid);
    [[nodiscard]] SetResult show_ended(const Context& context, const Guest& guest, int vmid);

    const Cluster& cluster_;
    std::function<Context()> context_;
    RunFolders folders_;
    std::string node_;
    std::string origin_;
    std::optional<ClusterStamp> stamp_;
    GuestList list_;
    std::map<int, Known> known_;
    std::map<int, GuestId> ids_;
    bool has_loaded_ids_ = false;
    std::set<int> arriving_;
    bool may_set_hookscript_ = false;
    Refusals refusals_;
    std::set<int> restarting_;  ///< FirmwareRestart has begun.
};

/// Proxmox still makes this config, or takes it apart: what it says is not what the guest is.
[[nodiscard]] bool is_placeholder(const GuestConfig& config);

}  // namespace fip::proxmox
