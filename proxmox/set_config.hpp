#pragma once

#include "guest_config.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fip::proxmox {

/// How `qm set` or `pct set` ended.
enum class SetResult {
    done,
    pending,  ///< A running guest did not let go of its NIC: the new value waits for its next start.
    busy,     ///< Somebody holds the guest's lock right now, as a start does: try again in a moment.
    later,    ///< The config is locked, or was changed meanwhile: look again.
};

/// Change these keys through Proxmox' own program: it takes the lock, compares the digest of the text that `config` was
/// read from, plugs NICs of running guests in anew. Repeatable. `meanwhile` is called some times a second until it
/// ends.
/// @throws InputError         Proxmox refuses the values
/// @throws GuestsUnavailable  its program cannot be started, or hangs
[[nodiscard]] SetResult set_config(int vmid, const GuestConfig& config, const std::vector<ConfigChange>& changes,
                                   const std::function<void()>& meanwhile);

/// SHA-1 of the text, in hex: what Proxmox calls the digest of a config.
[[nodiscard]] std::string digest_of(const std::string& text);

}  // namespace fip::proxmox
