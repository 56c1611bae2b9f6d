#pragma once

#include "app/context.hpp"
#include "running_vm.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace fip::proxmox {

/// A VM that began with a wrong MAC is ended while it is in its firmware, and started again once its config is right:
/// nothing has looked at its NICs yet, so the guest boots once, and sees only the right ones. Plugging them in anew is
/// no way: in its firmware a guest does not let go of a NIC, after a reset q35's bridges no longer show it to `qm set`,
/// and the cloud-init drive is made at each start (PROXMOX.md 1.2, 3; qemu-server's vm_devices_list).
///
/// A note in the store says so before the guest is paused, another before it is ended, and it stays until it was
/// started again: whoever finds it goes on where a killed process stopped. Context and folders outlive the object.
class FirmwareRestart {
public:
    /// As the note and the guest's QEMU say. @throws StoreBusy, StoreError
    FirmwareRestart(const Context& context, const GuestId& guest, int vmid, const RunFolders& folders);

    enum class Stage {
        none,     ///< Nothing was begun, or somebody else went on.
        paused,   ///< In its firmware.
        ended,    ///< By us, and not started again.
        unknown,  ///< Its QEMU does not answer now.
    };
    [[nodiscard]] Stage stage() const { return stage_; }

    /// none -> paused, where it is in its firmware (is_in_firmware). Not where somebody else has paused it.
    /// @throws StoreBusy, StoreError  it is not paused
    void pause();
    /// How long ago: a guest is not held for ever.
    [[nodiscard]] std::chrono::milliseconds since_pause() const;
    /// paused -> ended. False: Proxmox does not end it now, or somebody went on with it meanwhile.
    /// @param meanwhile  as of run_command()
    [[nodiscard]] bool end(const std::function<void()>& meanwhile);
    /// ended -> none. Somebody else who asked for its end since we did means it: then it stays off.
    /// @throws GuestsUnavailable  it does not start now: try again
    void start(const std::function<void()>& meanwhile = [] {});
    /// To none: it goes on with what it has. False: it is as before.
    /// @throws GuestsUnavailable  it was ended, and does not start now
    [[nodiscard]] bool give_up();

    /// Guests that there is a note about.
    [[nodiscard]] static std::set<int> noted(const LeaseStore& store);
    /// Those that were left on the way. Those that were left so long ago that somebody may want them as they are are
    /// let go on if they are paused, and stay off, which is logged, if they are ended.
    [[nodiscard]] static std::set<int> left_over(const Context& context, const RunFolders& folders);
    /// Give all of them up. What could not be: its stage.
    [[nodiscard]] static std::map<int, Stage> give_up_all(const Context& context, const RunFolders& folders);

private:
    [[nodiscard]] Stage look() const;
    [[nodiscard]] bool is_meant_to_be_off() const;
    void note(const std::string& text, const Now& at);
    void forget();

    const Context& context_;
    const RunFolders& folders_;
    GuestId guest_;
    int vmid_;
    Stage stage_ = Stage::none;
};

}  // namespace fip::proxmox
