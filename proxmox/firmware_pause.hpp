#pragma once

#include "app/context.hpp"
#include "running_vm.hpp"

#include <functional>

namespace fip::proxmox {

/// Holds a VM in its firmware while `qm set` plugs its NIC in anew: nothing has looked at the NIC yet, so after a reset
/// the guest boots once and sees only the new one. A guest that is being reset lets go of a NIC that it was asked to.
///
/// A note in the store says so before the guest is paused, and stays until it goes on: recover() comes back to what a
/// killed process left, and to a guest whose QEMU did not answer.
class FirmwarePause {
public:
    FirmwarePause(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders);
    ~FirmwarePause() { (void)end(); }
    FirmwarePause(const FirmwarePause&) = delete;
    FirmwarePause& operator=(const FirmwarePause&) = delete;

    void reset() noexcept;  ///< While `qm set` waits for the guest to let go. Repeatable.
    /// Resets it once more, for its boot order, and lets it go on. False: it is paused still. Repeatable.
    bool end() noexcept;

    /// Guests that were left paused.
    static void recover(const Context& context, const RunFolders& folders);
    /// The one guest, if it was. False: it is paused still.
    [[nodiscard]] static bool recover(const Context& context, const GuestId& guest, const RunFolders& folders);

private:
    const Context& context_;
    GuestId guest_;
    std::filesystem::path monitor_;
    bool is_paused_ = false;
    bool has_gone_on_ = false;
};

}  // namespace fip::proxmox
