#pragma once

#include "guest_configs.hpp"
#include "guest_writer.hpp"
#include "ports/guest_source.hpp"
#include "running_vm.hpp"

#include <functional>
#include <optional>
#include <set>

namespace fip::proxmox {

/// The guests whose configs lie in this node's folder. One thread per object.
///
/// A config that Proxmox is still making or taking apart (is_placeholder) is nobody's: its guest counts as present and
/// is left alone, as are those with another lock.
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
    [[nodiscard]] std::optional<GuestId> last_known(int vmid) const { return configs_.last_known(vmid); }
    void forget(int vmid);
    /// It came from another node, or is about to start here.
    void expect(int vmid) { arriving_.insert(vmid); }
    void has_arrived(int vmid) { arriving_.erase(vmid); }
    [[nodiscard]] GuestWriter& writer() { return writer_; }

private:
    /// A live migration frees disks under its lock for minutes, and the guest runs here meanwhile: its address is moved
    /// at once (QemuMigrate.pm, phase3_cleanup). Its config is left alone.
    [[nodiscard]] bool is_moving_in(int vmid, const GuestConfig& config) const;
    [[nodiscard]] Guest guest_of(int vmid, const GuestConfig& config, const ListedGuest& listed);

    const Cluster& cluster_;
    RunFolders folders_;
    GuestConfigs configs_;
    GuestWriter writer_;
    std::set<int> arriving_;
};

}  // namespace fip::proxmox
