#pragma once

#include "app/context.hpp"
#include "running_vm.hpp"

#include <chrono>
#include <set>

namespace fip::proxmox {

/// A VM that began with a wrong MAC is ended while it is in its firmware, and started again once its config is right:
/// nothing has looked at its NICs yet, so the guest boots once, and sees only the right ones. Plugging them in anew is
/// no way: in its firmware a guest does not let go of a NIC, after a reset q35's bridges no longer show it to `qm set`,
/// and the cloud-init drive is made at each start (PROXMOX.md 1.2, 3; qemu-server's vm_devices_list).
///
/// A note in the store says so before the guest is paused, and stays until it was started again: whoever finds it goes
/// on where a killed process stopped. Context and folders outlive the object.
class FirmwareRestart {
public:
    /// As the note and the guest's QEMU say.
    FirmwareRestart(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders);

    enum class Stage {
        none,     ///< Nothing was begun, or somebody else went on.
        paused,   ///< In its firmware.
        ended,    ///< By us, and not started again.
        unknown,  ///< Its QEMU does not answer now.
    };
    [[nodiscard]] Stage stage() const { return stage_; }

    /// Hold it where it is. Not where somebody else has paused it.
    void pause() noexcept;
    /// Paused -> ended. False: Proxmox does not end it now; it is paused still.
    [[nodiscard]] bool end();
    /// Ended -> none. False: Proxmox has it locked now; it is as before.
    /// @throws InputError  it does not start
    [[nodiscard]] bool start();
    /// Paused or ended -> none: back to what it was, with its wrong MAC. False: it is as before.
    [[nodiscard]] bool give_up();

    /// Guests that were left on the way.
    [[nodiscard]] static std::set<int> left_over(const LeaseStore& store);
    /// After this time somebody may want it as it is: what is ended by then stays so.
    static constexpr std::chrono::minutes lasts{2};
    /// Give up what was begun so long ago, or before this boot. @throws InputError  one does not start
    static void give_up_after(const Context& context, const RunFolders& folders, std::chrono::milliseconds age);

private:
    [[nodiscard]] Stage look(const GuestNote& note) const;
    void forget();

    const Context& context_;
    const RunFolders& folders_;
    GuestId guest_;
    int vmid_;
    Stage stage_ = Stage::none;
};

}  // namespace fip::proxmox
